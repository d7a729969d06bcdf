// A history held against the files, without a database: what an adoption would record, and why it may not.

import { describe, expect, test } from 'vitest'
import type { HistoryEntry, HistoryTool } from '../../../gate/histories/history.ts'
import { historyToolNamed } from '../../../gate/histories/index.ts'
import { type PlanInput, planAdoption } from '../../../migrator/adopt/plan.ts'
import type { Migration } from '../../../migrator/files/migration.ts'
import type { FilesTool, ToolFile } from '../../../migrator/histories/tool.ts'
import type { LedgerRow } from '../../../migrator/ledger/read.ts'

/** A file whose key is the number before its name: `2_b`. The tool would store `sum of 2_b` for it. */
function file(name: string, more: Partial<Migration> = {}): ToolFile {
  const migration = { name, file: `${name}.sql`, kind: 'sql', checksum: name, ...more } as Migration
  return {
    migration,
    key: /^\w*?(\d+|R)/.exec(name)![1]!,
    bytes: Buffer.of(),
    text: '',
    base: name,
    beside: () => undefined,
  }
}

const repeatable = (name: string) => file(name, { kind: 'repeatable' })

/** `2`, or `2 CHECKSUM`. */
const entry = (text: string): HistoryEntry => {
  const [key, checksum] = text.split(/ (.*)/) as [string, string | undefined]
  return { key, name: key, appliedAt: '2024-01-02T03:04:05Z', ...(checksum && { checksum }) }
}

interface Given extends Partial<Omit<PlanInput, 'history' | 'filesTool'>> {
  readonly entries?: readonly string[]
  /** What the history says of all of its entries. */
  readonly standsIn?: boolean
  readonly upTo?: string
  readonly unfinished?: readonly { key: string; name: string; message: string }[]
  readonly filesTool?: Partial<FilesTool>
  readonly tool?: Partial<HistoryTool>
}

const sums: FilesTool['checksums'] = files =>
  new Map(files.map(({ migration: { name } }) => [name, [`sum of ${name}`]]))

function plan(files: readonly ToolFile[], given: Given) {
  const { entries = [], standsIn, upTo, unfinished = [], filesTool, tool, ...more } = given
  const historyTool = { ...historyToolNamed('goose')!, title: 'Tool', ...tool }
  const read = entries.map(text => ({ ...entry(text), ...(standsIn !== undefined && { standsIn }) }))
  const table = { tool: historyTool, schema: 'public', table: 'h' } as unknown as PlanInput['history']['table']
  return planAdoption({
    filesTool: { tool: historyTool, keyOf: () => undefined, ...filesTool },
    history: { table, running: false, entries: read, unfinished, ...(upTo !== undefined && { upTo }) },
    files,
    ...{ ledger: [], acceptEdited: new Set(), forgetMissing: new Set(), wasAdopted: false, adoptedKeys: [] },
    ...more,
  })
}

const told = (files: readonly ToolFile[], given: Given) => {
  const { rows, adopted, problems } = plan(files, given)
  return {
    rows: rows.map(({ name, status, checksum }) => `${status} ${name} ${checksum}`),
    adopted: adopted.map(({ migration }) => migration.name),
    problems: problems.map(({ code, migration }) => `${code} ${migration}`),
  }
}

const inLedger = (...names: readonly string[]) => names.map(name => ({ name }) as LedgerRow)
const [a, b, c] = [file('1_a'), file('2_b'), file('3_c')]

describe('what is recorded', () => {
  test('is what the history has; what is newer is pending', () => {
    expect(told([a, b, c], { entries: ['1', '2'] })).toEqual({
      rows: ['adopt 1_a none', 'adopt 2_b none', 'pending 3_c none'],
      ...{ adopted: ['1_a', '2_b'], problems: [] },
    })
  })

  test('is all up to the key that a tool keeps alone', () => {
    expect(told([a, b, c], { upTo: '2' }).adopted).toEqual(['1_a', '2_b'])
    // a repeatable one has no number to be below
    expect(told([repeatable('R_v'), a], { upTo: '2' }).rows).toEqual(['pending R_v none', 'adopt 1_a none'])
  })

  test('is all below a head, if the folder has every head', () => {
    const tool = { heads: true } as const
    expect(told([a, b, c], { entries: ['2'], tool }).adopted).toEqual(['1_a', '2_b'])
    expect(told([a, b, c], { entries: ['2', '9'], tool })).toMatchObject({ adopted: [], problems: ['missing 9'] })
  })

  test('is not what the ledger has already, nor what came to the folder below that since', () => {
    const ledger = inLedger('1_a', '3_c')
    const again = told([a, b, c, file('4_d')], { upTo: '4', ledger, wasAdopted: true, adoptedKeys: ['1'] })
    expect(again.rows).toEqual(['recorded 1_a none', 'out-of-order 2_b none', 'recorded 3_c none', 'adopt 4_d none'])
    expect(again.problems).toEqual(['out-of-order 2_b'])
    // what was adopted before, and is not in the ledger any more, was taken back since
    const reverted = told([a, b, c], { upTo: '3', ledger, wasAdopted: true, adoptedKeys: ['2'] })
    expect(reverted).toMatchObject({ adopted: [], problems: ['reverted 2_b'] })
  })

  test('is a repeatable migration only with the content that was run', () => {
    const filesTool = { checksums: sums }
    expect(told([a, repeatable('R_v')], { entries: ['1', 'R sum of R_v'], filesTool }).adopted).toEqual(['1_a', 'R_v'])
    expect(told([a, repeatable('R_v')], { entries: ['1', 'R other'], filesTool })).toMatchObject({
      rows: ['adopt 1_a none', 'pending R_v differs'],
      problems: [],
    })
  })

  test('carries who applied it and when; what is pending was not applied', () => {
    const { rows } = plan([a, repeatable('R_v')], { entries: ['1', 'R other'], filesTool: { checksums: sums } })
    expect(rows.map(({ appliedAt }) => appliedAt)).toEqual(['2024-01-02T03:04:05.000Z', null])
  })
})

describe('what stands in the way', () => {
  test('are files that come before what is applied and were not', () => {
    expect(told([a, b, c], { entries: ['1', '3'] })).toMatchObject({ problems: ['out-of-order 2_b'] })
    // a repeatable one comes before nothing
    expect(told([repeatable('R_v'), a], { entries: ['1'] }).problems).toEqual([])
    expect(told([file('1_base', { standsIn: true }), b], { entries: ['2'] }).rows).toEqual(['adopt 2_b none'])
  })

  test('are rows without a file, unless they are forgotten by name, by key or all at once', () => {
    expect(told([a], { entries: ['1', '2', '5 sum'] })).toMatchObject({
      rows: ['adopt 1_a none', 'missing 2 none', 'missing 5 unknown'],
      problems: ['missing 2', 'missing 5'],
    })
    for (const names of [['2', '5'], ['all']])
      expect(told([a], { entries: ['1', '2', '5'], forgetMissing: new Set(names) })).toMatchObject({
        rows: ['adopt 1_a none', 'forgotten 2 none', 'forgotten 5 none'],
        problems: [],
      })
  })

  test('are files that were edited, unless that is accepted', () => {
    const given = { entries: ['1 sum of 1_a', '2 other'], filesTool: { checksums: sums } }
    expect(told([a, b], given)).toMatchObject({
      rows: ['adopt 1_a same', 'edited 2_b differs'],
      adopted: ['1_a'],
      problems: ['edited 2_b'],
    })
    for (const name of ['2_b', '2', 'all']) {
      const { rows, problems } = plan([a, b], { ...given, acceptEdited: new Set([name]) })
      expect(rows.map(({ status, accepted }) => [status, accepted])).toEqual([
        ['adopt', undefined],
        ['adopt', true],
      ])
      expect(problems).toEqual([])
    }
  })

  test('is no difference that proves nothing', () => {
    const entries = ['1 by hand', '2 sum of 2_b']
    const rowsWith = (filesTool: Partial<FilesTool>) =>
      told([a, b], { entries, filesTool: { checksums: sums, ...filesTool } }).rows
    expect(rowsWith({ checksumForm: /^sum/ })).toEqual(['adopt 1_a unknown', 'adopt 2_b same'])
    expect(rowsWith({ coversMore: ({ key }) => key === '1' })).toEqual(['adopt 1_a unknown', 'adopt 2_b same'])
    expect(rowsWith({ coversMore: ({ key }) => key === '2' })).toEqual(['edited 1_a differs', 'adopt 2_b same'])
    // nobody knows how this tool makes its checksums
    expect(told([a, b], { entries }).rows).toEqual(['adopt 1_a none', 'adopt 2_b none'])
    // behind the first difference each checksum differs, for it covers what is before
    expect(
      told([a, b, c], {
        entries: ['1 sum of 1_a', '2 other', '3 other'],
        filesTool: { checksums: sums, cumulative: true },
      }).rows,
    ).toEqual(['adopt 1_a same', 'edited 2_b differs', 'adopt 3_c unknown'])
  })

  test('are two files of one key, unless a checksum says which of them was run', () => {
    const twins = [file('2_b'), file('2_x')]
    expect(told([a, ...twins], { entries: ['1', '2'] }).problems).toEqual(['ambiguous 2_b'])
    const filesTool = { checksums: sums }
    expect(told([a, ...twins], { entries: ['1', '2 sum of 2_b'], filesTool }).problems).toEqual(['edited 2_x'])
    // a baseline and the migration of its version: the row says which of them was run
    const baseline = file('2_base', { standsIn: true })
    expect(told([a, baseline, b], { entries: ['1', '2 sum of 2_b'], standsIn: false, filesTool })).toMatchObject({
      rows: ['adopt 1_a none', 'adopt 2_b same'],
      problems: [],
    })
    expect(told([baseline, b], { entries: ['2 sum of 2_base'], standsIn: true, filesTool })).toMatchObject({
      rows: ['adopt 2_base same', 'pending 2_b none'],
      problems: [],
    })
  })

  test('is what the tool has begun and not finished', () => {
    const unfinished = [{ key: '2', name: '2_b', message: 'It failed.' }]
    expect(told([a, b], { entries: ['1'], unfinished }).problems).toEqual(['unfinished 2_b'])
  })

  test('are rows of the ledger that no adoption has made', () => {
    expect(told([a], { entries: ['1'], ledger: inLedger('1_a') }).problems).toEqual(['not-adopted 1_a'])
    expect(told([a], { entries: ['1'], ledger: inLedger('1_a'), wasAdopted: true }).problems).toEqual([])
  })
})

test("a folder of which the history has nothing is another project's; an empty history is no sign of that", () => {
  expect(plan([a, b], { entries: ['7', '8'] }).isOtherFolder).toBe(true)
  expect(plan([a, b], { entries: ['1', '8'] }).isOtherFolder).toBe(false)
  expect(plan([a, b], {}).isOtherFolder).toBe(false)
})

test('keys are compared in one Unicode form', () => {
  const composed = { ...file('1_a'), key: '\u00e9' }
  expect(told([composed], { entries: ['e\u0301'] })).toMatchObject({ adopted: ['1_a'], problems: [] })
})
