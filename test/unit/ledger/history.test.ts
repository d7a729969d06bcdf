// Files held against the ledger's rows, without a database: the state, the problems, and where a late migration belongs.

import { describe, expect, test } from 'vitest'
import type { Migration } from '../../../migrator/files/migration.ts'
import { allowEmptied, allowLate, compareHistory, headOf, latePosition } from '../../../migrator/ledger/history.ts'
import { type LedgerRow, noLedger } from '../../../migrator/ledger/read.ts'
import { recordedOnly } from '../../../migrator/ledger/stand-ins.ts'

/** `2_b`: number and name; the content is its own unless `checksum` says otherwise. */
function file(name: string, more: Partial<Migration> = {}): Migration {
  const number = /^\d+/.exec(name)?.[0]
  return {
    ...{ name, kind: 'sql', layout: 'native', version: number === undefined ? [] : [BigInt(number)] },
    ...{ file: `${name}.sql`, checksum: `of ${name}`, marks: { transaction: true, breaking: false } },
    ...more,
  } as Migration
}

const repeatable = (name: string, more: Partial<Migration> = {}) =>
  file(name, { kind: 'repeatable', layout: 'repeatable', ...more })

type RowLike = string | (Partial<LedgerRow> & { readonly name: string })

/** A row for each of these, in this order. */
function rowsOf(...ones: readonly RowLike[]): LedgerRow[] {
  return ones.map((one, i) => {
    const more: Partial<LedgerRow> & { readonly name: string } = typeof one === 'string' ? { name: one } : one
    return {
      ...{ checksum: `of ${more.name}`, position: i + 1, kind: 'sql', breaking: false, state: 'applied' },
      ...{ appliedAt: new Date(0), durationMs: 0, runId: '', journal: null },
      ...more,
    }
  })
}

const begun = (name: string, journal: LedgerRow['journal'] = { done: ['c:2:2'] }) =>
  ({ name, state: 'running', journal }) as const

const compared = (files: readonly Migration[], rows?: readonly LedgerRow[]) => {
  const { state, pending, problems, head } = compareHistory(files, rows)
  return {
    ...{ state, head, pending: pending.map(({ name }) => name) },
    problems: problems.map(({ code, migration }) => `${code} ${migration}`),
  }
}
const messages = (files: readonly Migration[], rows: readonly LedgerRow[]) =>
  compareHistory(files, rows).problems.map(({ message }) => message)

const [a, b, c, d] = ['1_a', '2_b', '3_c', '4_d'].map(name => file(name)) as [
  Migration,
  Migration,
  Migration,
  Migration,
]

describe('the state', () => {
  test.for([
    ['nothing was ever applied', [a, b], [], 'empty', ['1_a', '2_b'], []],
    ['some is not applied', [a, b], rowsOf('1_a'), 'pending', ['2_b'], []],
    ['all is applied', [a, b], rowsOf('1_a', '2_b'), 'current', [], []],
    ['a file was edited', [a, file('2_b', { checksum: 'x' })], rowsOf('1_a', '2_b'), 'diverged', [], ['edited 2_b']],
    ['a newer row has no file', [a], rowsOf('1_a', '2_b'), 'ahead', [], ['missing 2_b']],
    ['it is behind and ahead', [a, b], rowsOf('1_a', '3_c'), 'diverged', ['2_b'], ['missing 3_c']],
    ['an older row has no file', [b], rowsOf('1_a', '2_b'), 'diverged', [], ['missing 1_a']],
    [
      'it is ahead, and a file was edited',
      [file('1_a', { checksum: 'x' })],
      rowsOf('1_a', '2_b'),
      'diverged',
      [],
      ['missing 2_b', 'edited 1_a'],
    ],
    ['an older one is not applied', [a, b, c], rowsOf('1_a', '3_c'), 'diverged', ['2_b'], ['out-of-order 2_b']],
    ['the oldest is not applied', [a, b], rowsOf('2_b'), 'diverged', ['1_a'], ['out-of-order 1_a']],
    ['one was interrupted', [a, b], rowsOf('1_a', begun('2_b')), 'pending', ['2_b'], ['interrupted 2_b']],
    [
      'one was interrupted and is of another kind now',
      [a, file('2_b', { kind: 'code' })],
      rowsOf('1_a', begun('2_b')),
      'diverged',
      ['2_b'],
      ['edited 2_b'],
    ],
    [
      'one was begun, of which nothing is done, and was edited',
      [a, file('2_b', { checksum: 'x' })],
      rowsOf('1_a', begun('2_b', null)),
      'pending',
      ['2_b'],
      ['interrupted 2_b'],
    ],
    [
      'a repeatable one has new content',
      [a, repeatable('R__v', { checksum: 'new' })],
      rowsOf('1_a', { name: 'R__v', kind: 'repeatable' }),
      'pending',
      ['R__v'],
      [],
    ],
    [
      'a repeatable one is not applied, and newer ones are',
      [repeatable('R__v'), a],
      rowsOf('1_a'),
      'pending',
      ['R__v'],
      [],
    ],
  ] as const)('where %s', ([, files, rows, state, pending, problems]) => {
    expect(compared(files, [...rows])).toMatchObject({ state, pending, problems })
  })

  test('is told in spite of a late migration, whose row comes last', () => {
    const late = { name: '2_b', journal: { late: 1 } }
    expect(compared([a, b, c], rowsOf('1_a', '3_c', late))).toMatchObject({ state: 'current', head: '3_c' })
    // a late one is behind 4_d, and the database is ahead all the same
    expect(compared([a, b, c], rowsOf('1_a', '3_c', '4_d', late))).toMatchObject({ state: 'ahead', head: '4_d' })
  })

  test('is never better than a ledger whose tables are gone', () => {
    const rows = rowsOf('1_a')
    const ledger = { ...noLedger, rows, emptied: 'public', condition: { schema: 's', tables: new Map() } as never }
    expect(compareHistory([a], rows, ledger)).toMatchObject({ state: 'diverged', problems: [{ code: 'emptied' }] })
    expect(compareHistory([a], [], { ...ledger, rows: [] })).toMatchObject({ state: 'empty', problems: [] })
    expect(compareHistory([], rowsOf('1_a', '2_b'), ledger).state).toBe('diverged')
    expect(compareHistory([a], rowsOf('1_a', '2_b'), ledger).state).toBe('diverged')
    expect(allowEmptied(compareHistory([a], rows, ledger))).toMatchObject({ state: 'current', problems: [] })
    expect(allowEmptied(compareHistory([a, b], rows, ledger))).toMatchObject({ state: 'pending', problems: [] })
  })
})

describe('what is late', () => {
  test('may be let pass by its name, and nothing else is with it', () => {
    const edited = file('1_a', { checksum: 'x' })
    const history = compareHistory([edited, b, c], rowsOf('1_a', '3_c'))
    const codes = (names: readonly string[]) => {
      const { state, problems } = allowLate(history, new Set(names))
      return [state, ...problems.map(({ code, migration }) => `${code} ${migration}`)]
    }
    expect(codes(['2_b'])).toEqual(['diverged', 'edited 1_a'])
    expect(codes(['1_a', '3_c'])).toEqual(['diverged', 'edited 1_a', 'out-of-order 2_b'])
    expect(allowLate(compareHistory([a, b, c], rowsOf('1_a', '3_c')), new Set(['2_b'])).state).toBe('pending')
  })

  test('is not what another order of the same numbers has last', () => {
    // by name as text 10 comes before 2; by number nothing is late
    const files = [file('1_a'), file('10_c'), file('2_b')]
    expect(compared(files, rowsOf('1_a', '2_b')).problems).toEqual([])
    expect(compared(files, rowsOf('1_a', '10_c')).problems).toEqual([])
  })

  test('has the place of the newest one before it', () => {
    const files = [a, b, c, d]
    const rows = rowsOf('1_a', '4_d')
    expect(latePosition(files, rows, b)).toBe(1)
    expect(latePosition(files, rows, a)).toBe(0)
    // with nothing newer it is not late
    expect(latePosition(files, rowsOf('1_a'), b)).toBeUndefined()
    // one that was late itself has its own place, and not that of its row
    expect(latePosition(files, rowsOf('1_a', '4_d', { name: '2_b', journal: { late: 1 } }), c)).toBe(1)
    const view = repeatable('R__v')
    expect(latePosition([...files, view], rows, view)).toBeUndefined()
    expect(latePosition([a, b, view], rowsOf('1_a', { name: 'R__v', kind: 'repeatable' }), b)).toBeUndefined()
  })
})

describe('the head', () => {
  test.for([
    [[], null],
    [rowsOf('1_a', '2_b'), '2_b'],
    [rowsOf('1_a', begun('2_b')), '1_a'],
    [rowsOf('1_a', { name: 'R__v', kind: 'repeatable' }), '1_a'],
    [rowsOf('1_a', { name: '0_late', journal: { late: 0 } }), '1_a'],
    [rowsOf({ name: 'R__v', kind: 'repeatable' }), 'R__v'],
  ] as const)('of %j', ([rows, head]) => {
    expect(headOf([...rows])).toBe(head)
  })
})

describe('rows without a file', () => {
  test('are renamed where one file alone has the content', () => {
    const { problems } = compareHistory([a, file('2_new', { checksum: 'of 2_b' })], rowsOf('1_a', '2_b', '3_c'))
    expect(problems.map(({ code, renamedTo }) => [code, renamedTo])).toEqual([
      ['missing', '2_new'],
      ['missing', undefined],
    ])
    expect(problems[0]!.message).toContain('schemagate repair --rename 2_b=2_new')
  })

  test('of which several files have the content are for a person to tell', () => {
    const twins = [file('2_x', { checksum: 'of 2_b' }), file('2_y', { checksum: 'of 2_b' })]
    const [message] = messages([a, ...twins, c], rowsOf('1_a', '2_b', '3_c'))
    expect(message).toContain('2_x and 2_y have the same content')
    const rows = rowsOf('1_a', { name: '2_b', checksum: 'one' }, { name: '3_c', checksum: 'one' })
    expect(messages([a, file('2_x', { checksum: 'one' }), d], rows)[0]).toContain('2_x has the same content')
  })

  test('are renamed where the names differ in their Unicode form alone', () => {
    const [composed, decomposed] = ['2_\u00e9', '2_e\u0301']
    const [message] = messages([a, file(composed)], rowsOf('1_a', { name: decomposed, checksum: 'other' }))
    expect(message).toContain('under another Unicode form of the same name')
    expect(messages([a, file('2_new', { checksum: 'of 2_b' })], rowsOf('1_a', '2_b'))[0]).toContain('now named 2_new')
  })

  test('are offered a squash only where a file is new', () => {
    expect(messages([b, c], rowsOf('1_a', '2_b'))[0]).toContain('--replacing-missing')
    expect(messages([b], rowsOf('1_a', '2_b'))[0]).not.toContain('--replacing-missing')
    expect(messages([b, repeatable('R__v')], rowsOf('1_a', '2_b'))[0]).not.toContain('--replacing-missing')
  })

  test("are another folder's where no file is as it was applied", () => {
    const others = [file('1_x'), file('2_y')]
    expect(messages(others, rowsOf('1_a', '2_b'))).toEqual([
      expect.stringMatching(/^1_a, 2_b are applied, and none .*: this ledger is another folder's/),
    ])
    expect(messages(others, rowsOf('1_a', '2_b', '3_c', '4_d', '5_e'))[0]).toMatch(/^1_a, 2_b, 3_c and 2 more are/)
    // one that they share is enough
    expect(messages([a, ...others], rowsOf('1_a', '2_b'))[0]).toContain('2_b is applied, but there is no such file')
    // a folder in which most were renamed is still the same one
    const renamed = [file('1_n', { checksum: 'of 1_a' }), file('2_y')]
    expect(messages(renamed, rowsOf('1_a', '2_b'))[0]).toContain('--rename 1_a=1_n')
    expect(messages(renamed, rowsOf('1_a', '2_b', '3_c'))[0]).toContain("this ledger is another folder's")
  })

  test('that are half applied have to be finished, and are never forgotten', () => {
    const [message] = messages([a, c], rowsOf('1_a', begun('2_b'), '3_c'))
    expect(message).toMatch(/^2_b is half applied \(2 of its steps are done\), but there is no such file/)
    expect(message).not.toContain('--forget-missing')
    expect(messages([a, c], rowsOf('1_a', begun('2_b', null), '3_c'))[0]).toContain('--forget-missing 2_b')
  })
})

describe('a migration that stands in for all before it', () => {
  const [base, older] = [file('3_base', { standsIn: true }), file('2_base', { standsIn: true })]
  const plan = (files: readonly Migration[], rows: readonly LedgerRow[]) => {
    const { pending, recordOnly, problems } = compareHistory(files, rows)
    expect(problems).toEqual([])
    return [pending.map(({ name }) => name).join(' '), [...recordOnly].sort().join(' ')]
  }
  const passedOver = { name: '3_base', kind: 'baseline' } as const

  test.for([
    [
      'on an empty ledger it is run first, and they are recorded',
      [a, b, base, d],
      [],
      ['3_base 1_a 2_b 4_d', '1_a 2_b'],
    ],
    ['of two the newer one is run', [a, older, base, d], [], ['3_base 1_a 2_base 4_d', '1_a 2_base']],
    ['a repeatable one is run', [repeatable('R__v'), a, base], [], ['3_base R__v 1_a', '1_a']],
    ['where they were run it is recorded', [a, b, base, d], rowsOf('1_a', '2_b'), ['3_base 4_d', '3_base']],
    ['where it was run they are recorded', [a, b, base, d], rowsOf('3_base'), ['1_a 2_b 4_d', '1_a 2_b']],
    ['where it was passed over nothing is late for it', [a, b, base], rowsOf('1_a', passedOver), ['2_b', '']],
    ['without one all are run', [a, b], [], ['1_a 2_b', '']],
  ] as const)('%s', ([, files, rows, expected]) => {
    expect(plan(files, [...rows])).toEqual(expected)
  })

  test('leaves the others no way back where they were only recorded', () => {
    const recorded = { name: '1_a', kind: 'baseline' } as const
    expect([...recordedOnly([a, b, base, d], rowsOf(recorded, '2_b', '3_base', '4_d'))]).toEqual(['1_a'])
    expect([...recordedOnly([a, b, base, d], rowsOf('1_a', '2_b', passedOver, '4_d'))]).toEqual(['3_base'])
    // an operator's baseline is another thing
    expect([...recordedOnly([a, b, base, d], rowsOf(recorded, '2_b', passedOver))]).toEqual(['3_base'])
  })
})

test('a row behind all of the files is named with the newest of them, and with how far it is', () => {
  const behind = (files: readonly Migration[], ...rows: readonly RowLike[]) => messages(files, rowsOf(...rows))[0]
  expect(behind([a, repeatable('R__v')], '1_a', { name: 'R__v', kind: 'repeatable' }, '2_b')).toMatch(
    /^2_b is applied, but newer than all of these files \(the newest is 1_a\)/,
  )
  expect(behind([repeatable('R__v')], { name: 'R__v', kind: 'repeatable' }, '2_b')).toContain('(the newest is R__v)')
  expect(behind([a], '1_a', begun('2_b', null))).toMatch(/^2_b was begun, but/)
  expect(behind([a], '1_a', begun('2_b'))).toMatch(/^2_b is half applied, but/)
})

test('a migration that was begun as another kind is told with both', () => {
  expect(messages([a, file('2_b', { kind: 'code' })], rowsOf('1_a', begun('2_b')))[0]).toContain(
    '2_b.sql is code, and 2_b was begun as SQL: 2 of its steps are done',
  )
  expect(messages([file('R__v')], rowsOf({ ...begun('R__v'), kind: 'repeatable' }))[0]).toContain(
    'R__v.sql is SQL, and R__v was begun as a repeatable migration',
  )
})

test('an interrupted down is told from an interrupted up', () => {
  expect(messages([a], rowsOf(begun('1_a')))[0]).toContain('`schemagate up` goes on from there')
  const reverting = begun('1_a', { done: ['c:1:1'], reverting: true })
  expect(messages([a], rowsOf(reverting))[0]).toContain('`schemagate down --yes` continues it')
})
