// What a run has written and the server lacks: lost by a failover, or changed by another migrator.

import { expect, test } from 'vitest'
import { NoAnswerError } from '../../../migrator/errors.ts'
import { type Expectation, Expectations, LostCommitsError } from '../../../migrator/ledger/expectations.ts'
import type { LedgerRow } from '../../../migrator/ledger/read.ts'
import { restartAfterLostCommits } from '../../../migrator/run/lost-commits.ts'

const row: LedgerRow = {
  name: '0001_a',
  checksum: 'c',
  position: 1,
  kind: 'sql',
  breaking: false,
  state: 'applied',
  appliedAt: new Date(0),
  durationMs: 0,
  runId: '',
  journal: null,
}

test('a migration that another migrator has begun to revert is not as the run knew it', () => {
  const reverting: LedgerRow = { ...row, state: 'running', journal: { reverting: true, done: [] } }
  for (const read of [row, { ...row, state: 'running', journal: { done: ['s'] } } as const]) {
    const expectations = new Expectations()
    expectations.read([read])
    expect(() => expectations.require([row])).not.toThrow()
    expect(() => expectations.require([reverting])).toThrow(LostCommitsError)
  }
})

test('while the answer of a commit has not come, what was before it and what it wrote are expected, and nothing else', () => {
  const applied: Expectation = { checksum: 'c', applied: true }
  const cases: { before: LedgerRow[]; sent: Expectation; fine: LedgerRow[][]; lost: LedgerRow[][] }[] = [
    { before: [row], sent: 'gone', fine: [[row], []], lost: [[{ ...row, checksum: 'other' }]] },
    { before: [], sent: applied, fine: [[row], []], lost: [] },
    { before: [{ ...row, state: 'running', journal: { done: [] } }], sent: applied, fine: [[row]], lost: [[]] },
  ]
  for (const { before, sent, fine, lost } of cases) {
    const after = (found: LedgerRow[], settle: 'committed' | 'rolledBack' | undefined) => () => {
      const expectations = new Expectations()
      expectations.read(before)
      const inFlight = expectations.send([new Map([[row.name, sent]])])
      if (settle) inFlight[settle]()
      expectations.require(found)
    }
    for (const found of fine) expect(after(found, undefined)).not.toThrow()
    for (const found of lost) expect(after(found, undefined)).toThrow(LostCommitsError)
    const committed = sent === 'gone' ? [] : [row]
    expect(after(committed, 'committed')).not.toThrow()
    expect(after(sent === 'gone' ? [row] : [], 'committed')).toThrow(LostCommitsError)
    expect(after(before, 'rolledBack')).not.toThrow()
  }
})

test('once something is lost nothing is known any more, and nothing expected', () => {
  const file = { name: row.name, kind: 'sql', checksum: row.checksum } as const
  const kept = { ...row, name: '0000_kept' }
  const expectations = new Expectations()
  expectations.read([kept, row])
  expect(expectations.hasRow(row.name)).toBe(true)
  expect(expectations.isApplied(file)).toBe(true)
  expect(() => expectations.require([kept])).toThrow('0001_a')
  expect(expectations.hasRow(kept.name)).toBe(false)
  expect(expectations.hasRow(row.name)).toBe(false)
  expect(expectations.isApplied(file)).toBe(false)
  expect(() => expectations.require(undefined)).not.toThrow()
})

test('a row that was looked for twice and not found may be written by another migrator', () => {
  const expectations = new Expectations()
  expectations.read([row])
  expectations.readRow(row.name, undefined)
  expect(() => expectations.require([row])).toThrow(LostCommitsError)
  expectations.read([row])
  expectations.readRow(row.name, undefined)
  expectations.readRow(row.name, undefined)
  expect(() => expectations.require([row])).not.toThrow()
})

test('a database that loses its last commits again and again ends the run as one that does not answer', async () => {
  let times = 0
  const work = restartAfterLostCommits(async () => {
    times++
    throw new LostCommitsError('0001_a')
  })
  await expect(work).rejects.toThrow(NoAnswerError)
  expect(times).toBe(6)
})
