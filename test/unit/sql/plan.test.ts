// How a migration's SQL is run: in one transaction, in which steps, or not at all.

import { beforeAll, describe, expect, test } from 'vitest'
import { loadParser } from '../../../migrator/sql/parse.ts'
import type { Step } from '../../../migrator/sql/step.ts'
import { type Divisions, divide, planSql } from '../../../migrator/sql/steps.ts'

beforeAll(loadParser)

const mark = (condition: boolean, text: string) => (condition ? [text] : [])

/** `select 1; select 2 (0-2)`: what is sent of it, and which statements those are, from 0. */
function shown(sql: string, step: Step): string {
  const { mode, start, end, first, upTo, begin, rolledBack, settings } = step
  return [
    ...mark(mode === 'alone', 'alone:'),
    ...mark(begin !== '', `begin ${begin}:`),
    ...settings.map(({ text }) => `${text}:`),
    sql.slice(start, end),
    `(${first}-${upTo})`,
    ...mark(rolledBack, 'rolled back'),
  ].join(' ')
}

function stepsOf(sql: string, transaction = true): string[] {
  const plan = planSql(sql, transaction)
  return plan.transaction ? ['one transaction'] : plan.steps.map(step => shown(sql, step))
}

describe('in one transaction', () => {
  // [the text, what is not sent of it, the modes of its BEGIN, whether the file's own BEGIN and COMMIT are around it]
  test.for([
    ['select 1; select 2;', [], '', false],
    ['begin; select 1; commit;', ['begin', 'commit'], '', true],
    [
      'start transaction isolation level serializable; select 1; end;',
      ['start transaction isolation level serializable', 'end'],
      'isolation level serializable',
      true,
    ],
    ['select 1; commit;', ['commit'], '', false],
    ['set transaction read only; select 1;', ['set transaction read only'], 'read only', false],
    [
      'begin; set transaction read only; select 1; commit;',
      ['begin', 'set transaction read only', 'commit'],
      'read only',
      true,
    ],
    // for the server to refuse: it is too late there
    ['select 1; set transaction read only;', [], '', false],
    ['set lock_timeout = 0; select 1;', ['set lock_timeout = 0'], '', false],
    ['set client_encoding = latin1; select 1;', ['set client_encoding = latin1'], '', false],
    ['\\restrict a\nselect 1;\n\\unrestrict a\n', ['\\restrict a', '\\unrestrict a'], '', false],
  ] as const)('%s', ([sql, unsent, begin, wrapped]) => {
    const plan = planSql(sql, true)
    expect(plan).toMatchObject({ transaction: true, begin, wrapped })
    if (plan.transaction) expect(plan.skipped.map(({ start, end }) => sql.slice(start, end))).toEqual(unsent)
  })
})

describe('in steps', () => {
  test.for([
    ['create database d;', ['alone: create database d (0-1)']],
    [
      'select 1; create index concurrently i on t (a); select 2; select 3;',
      ['select 1 (0-1)', 'alone: create index concurrently i on t (a) (1-2)', 'select 2; select 3 (2-4)'],
    ],
    ['begin; select 1; commit; select 2;', ['select 1 (1-3)', 'select 2 (3-4)']],
    ['select 1; commit; select 2; vacuum;', ['select 1 (0-2)', 'select 2 (2-3)', 'alone: vacuum (3-4)']],
    ['begin; select 1; rollback;', ['select 1 (1-3) rolled back']],
    ['begin; begin; select 1; commit; vacuum;', ['select 1 (2-4)', 'alone: vacuum (4-5)']],
    ['begin; commit; vacuum;', ['alone: vacuum (2-3)']],
    // nothing is open that it would undo
    ['vacuum; rollback; select 1;', ['alone: vacuum (0-1)', 'select 1 (2-3)']],
    // the file's tool begins the transaction, and ends the last one
    ['select 1; commit; begin; select 2;', ['select 1 (0-2)', 'select 2 (3-4)']],
    ['\\restrict a\nselect 1;\nvacuum;\n\\unrestrict a\n', ['select 1 (1-2)', 'alone: vacuum (2-3)']],
    // it would release the run lock
    ['discard all; select 1; vacuum;', ['select 1 (1-2)', 'alone: vacuum (2-3)']],
    [
      'begin isolation level serializable; select 1; commit and chain; select 2; commit;',
      ['begin isolation level serializable: select 1 (1-3)', 'begin isolation level serializable: select 2 (3-5)'],
    ],
    ['set transaction read only; select 1; vacuum;', ['begin read only: select 1 (1-2)', 'alone: vacuum (2-3)']],
    // its modes end with the transaction, and the next one may have its own
    [
      'set transaction read only; select 1; commit; select 2; vacuum;',
      ['begin read only: select 1 (1-3)', 'select 2 (3-4)', 'alone: vacuum (4-5)'],
    ],
    [
      'select 1; commit; set transaction read only; select 2; vacuum;',
      ['select 1 (0-2)', 'begin read only: select 2 (3-4)', 'alone: vacuum (4-5)'],
    ],
    [
      'set search_path = x; vacuum; select 2;',
      ['set search_path = x (0-1)', 'alone: set search_path = x: vacuum (1-2)', 'set search_path = x: select 2 (2-3)'],
    ],
    // what is local would hold until the end of the one transaction
    ['set local role x; vacuum;', ['set local role x (0-1)', 'alone: set local role x: vacuum (1-2)']],
    ['begin; set local role x; select 1; commit; vacuum;', ['set local role x; select 1 (1-4)', 'alone: vacuum (4-5)']],
    ['begin; set search_path = x; rollback; vacuum;', ['set search_path = x (1-3) rolled back', 'alone: vacuum (3-4)']],
    [
      'begin; savepoint s; set role x; rollback to s; commit; vacuum;',
      ['savepoint s; set role x; rollback to s (1-5)', 'alone: vacuum (5-6)'],
    ],
    ['begin; lock table t; commit; vacuum;', ['lock table t (1-3)', 'alone: vacuum (3-4)']],
    // it is made again where it is used
    [
      'savepoint s; vacuum; savepoint s; rollback to s;',
      ['savepoint s (0-1)', 'alone: vacuum (1-2)', 'savepoint s; rollback to s (2-4)'],
    ],
  ] as const)('%s', ([sql, expected]) => {
    expect(stepsOf(sql)).toEqual(expected)
  })

  test.for([
    ['select 1; select 2;', ['select 1 (0-1)', 'select 2 (1-2)']],
    ['begin; select 1; select 2; commit; select 3;', ['select 1; select 2 (1-4)', 'select 3 (4-5)']],
    ['set local role x; select 1;', ['set local role x (0-1)', 'select 1 (1-2)']],
    ['set role x; select 1;', ['set role x (0-1)', 'set role x: select 1 (1-2)']],
    ['set transaction read only; select 1;', ['select 1 (1-2)']],
    // outside of a block psql ignores it
    ['select 1; rollback; select 2;', ['select 1 (0-1)', 'select 2 (2-3)']],
    ['lock table t; select 1;', ['lock table t (0-1)', 'select 1 (1-2)']],
  ] as const)('one for each statement, where the file is marked: %s', ([sql, expected]) => {
    expect(stepsOf(sql, false)).toEqual(expected)
  })

  test('of which the blocks that the file itself begins cannot be divided further', () => {
    const plan = planSql(
      'select 1; select 2; commit; begin; select 3; commit; begin; select 4; select 5; commit;',
      true,
    )
    expect(plan).toMatchObject({ steps: [{ divisible: true }, { divisible: false }, { divisible: false }] })
  })

  test('where the server wants a text divided, or an earlier run has done a part of it', () => {
    const sql = 'select 1; select 2; select 3;'
    const divided = (divisions: Divisions, done = 0) =>
      divide({ sql, start: 0, end: sql.length }, false, divisions, done).map(step => shown(sql, step))
    expect(divided(new Map([[1, 'alone']]))).toEqual(['select 1 (0-1)', 'alone: select 2 (1-2)', 'select 3 (2-3)'])
    expect(divided(new Map([[2, 'before']]))).toEqual(['select 1; select 2 (0-2)', 'select 3 (2-3)'])
    expect(divided(new Map(), 1)).toEqual(['select 1 (0-1)', 'select 2; select 3 (1-3)'])
  })
})

describe('not at all, with the place', () => {
  test.for([
    ['¦begin; select 1; vacuum;', 'this BEGIN has no end'],
    ['select 1; ¦rollback; vacuum;', 'this ROLLBACK ends no transaction'],
    ['¦lock table t; vacuum;', 'LOCK holds'],
    ['select 1; ¦select pg_advisory_xact_lock(1); vacuum;', 'an advisory lock'],
    ['¦create temp table x on commit drop as select 1; vacuum;', 'ON COMMIT DROP'],
    ['savepoint s; select 1; vacuum; ¦rollback to s;', 'the savepoint s is gone'],
    ['declare c cursor for select 1; vacuum; ¦fetch c;', 'the cursor c is gone'],
  ] as const)('%s', ([marked, message]) => {
    const offset = marked.indexOf('¦')
    expect(() => stepsOf(marked.replace('¦', ''))).toThrow(
      expect.objectContaining({ offset, message: expect.stringContaining(message) }),
    )
  })

  test('where each statement is a step, a BEGIN without an end behind a COMMIT', () => {
    expect(() => stepsOf('select 1; commit; begin; select 2;', false)).toThrow('remove BEGIN and the COMMIT before it')
  })

  test('unless an earlier run has done it', () => {
    const sql = 'lock table t; vacuum; select 1;'
    const text = { sql, start: 0, end: sql.length }
    expect(() => divide(text, false, new Map(), 1)).toThrow('LOCK holds')
    expect(divide(text, false, new Map(), 2).map(step => shown(sql, step))).toEqual([
      ...['lock table t (0-1)', 'alone: vacuum (1-2)', 'select 1 (2-3)'],
    ])
  })
})
