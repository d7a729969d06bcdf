import { expect, test } from 'vitest'
import { NoAnswerError } from '../../../migrator/errors.ts'
import type { LedgerRow } from '../../../migrator/ledger/read.ts'
import { Known, RewoundError, untilNotRewound } from '../../../migrator/run/lost-commits.ts'

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
    const known = new Known()
    known.ledger()
    known.read([read])
    expect(() => known.requireIn([row])).not.toThrow()
    expect(() => known.requireIn([reverting])).toThrow(RewoundError)
  }
})

test('a database that loses its last commits again and again ends the run as one that does not answer', async () => {
  let times = 0
  const work = untilNotRewound(async () => {
    times++
    throw new RewoundError('0001_a')
  })
  await expect(work).rejects.toThrow(NoAnswerError)
  expect(times).toBe(6)
})
