// Comment lines that look like the mark of a down part, in no known form: doubts, and no doubts.

import { describe, expect, test } from 'vitest'
import { downSql, read } from '../../helpers/tool-folders.ts'

describe('a comment line that looks like the mark of a down part', () => {
  const heading = (line: string) => `create table cups (id int);\n\n${line}\ndrop table cups;\n`

  test.for([
    ...[
      '-- Down',
      '-- down',
      '--DOWN',
      '-- rollback',
      '-- ROLLBACK:',
      '-- undo',
      '-- revert',
      '-- [down]',
      '---- DOWN ----',
    ],
    ...[
      '-- {{down}}',
      '-- +soda Down',
      '-- @migrate.down',
      '-- !Down',
      '-- migration: down',
      '-- Down migrations',
      '-- === UNDO ===',
    ],
    ...[
      '--- migrate/down ---',
      '-- Rollback script',
      '-- downgrade',
      '-- roll back',
      '# down',
      '// down',
      '/* down */',
      '-- (down)',
    ],
    ...[
      '-- Migration DOWN',
      '-- sql down part',
      '-- $Down',
      '-- 2. Rollback',
      '-- Begin rollback',
      '-- DOWN (rollback)',
      '-- Down / Rollback',
      '-- Rollback / Down migration',
      '-- Script for rollback',
      '-- sqlx down',
      '--@undo',
      '-- %% down',
    ],
    ...['-- name: down', '-- reverse migration', '-- Uninstall'],
  ])('is a doubt: %s', async line => {
    const [migration] = (await read({ '1_a.sql': heading(line) })).migrations
    expect(migration?.doubt).toContain(`1_a.sql, line 3: \`${line}\``)
    expect(migration?.doubt).toContain('-- migrate:down')
  })

  test.for([
    ...[
      '-- Down payment table',
      '-- undo the change of 0003 if it failed',
      '-- rollback is not possible here',
      '-- To undo this:',
    ],
    ...[
      '-- ROLLBACK;',
      '-- rollback to savepoint a;',
      '-- rolls down the hill',
      '-- breakdown',
      '-- revert changes of 12 to 14 by hand',
    ],
    ...[
      "-- This migration can't be reverted",
      '-- undo log',
      '-- Drop-down values',
      '-- up',
      '-- downstream tables',
      '-- reverse',
    ],
  ])('is none: %s', async line => {
    expect((await read({ '1_a.sql': heading(line) })).migrations[0]?.doubt).toBeUndefined()
  })

  test.for([
    ['nothing but comments stands below', 'create table a (id int);\n-- rollback\n-- drop table a;\n'],
    ['nothing stands below', 'create table a (id int);\n-- rollback\n\n-- there is none\n'],
    ['it heads SQL that is commented out', '-- rollback:\n--   drop table a;\n\ncreate table a (id int);\n'],
    [
      'it stands in the body of a function',
      'create function f() returns void as $$\n-- down\nselect 1;\n$$ language sql;\n',
    ],
    ['it stands in a string', "select '\n-- down\n';\nselect 1;\n"],
    [
      'the file has a down part by a known mark',
      '-- migrate:up\nselect 1;\n-- rollback\nselect 2;\n-- migrate:down\nselect 3;\n',
    ],
  ] as const)('is none where %s', async ([, text]) => {
    expect((await read({ '1_a.sql': text })).migrations[0]?.doubt).toBeUndefined()
  })

  test.for(['-- DOWN: drop users', '-- Migration Down: users', '-- Rollback the table', '-- Reverse'])(
    'is a doubt below a heading over the up part: %s',
    async line => {
      const migrations = async (up: string) => (await read({ '1_a.sql': `${up}\n\n${heading(line)}` })).migrations
      expect((await migrations('-- UP'))[0]?.doubt).toContain(`1_a.sql, line 5: \`${line}\``)
      expect((await migrations('-- users'))[0]?.doubt).toBeUndefined()
    },
  )

  test('is a doubt where a carriage return ends the lines, as it ends a comment for Postgres', async () => {
    const text = heading('-- Down').replaceAll('\n', '\r')
    expect((await read({ '1_a.sql': text })).migrations[0]?.doubt).toContain('1_a.sql, line 3: `-- Down`')
  })

  test('is a doubt below a known up mark, too, before all SQL, and behind a quote that is never closed', async () => {
    for (const text of [
      '-- migrate:up\nselect 1;\n-- down\nselect 2;\n',
      '-- down\nselect 2;\n\n-- up\nselect 1;\n',
      "select 'a;\n-- down\nselect 2;\n",
    ])
      expect((await read({ '1_a.sql': text })).migrations[0]?.doubt, text).toContain('-- down')
  })

  test('is a heading in a file that is all down', async () => {
    const { migrations } = await read({ '1_a.up.sql': '-- Up\nselect 1;\n', '1_a.down.sql': '-- Down\nselect 2;\n' })
    expect(migrations.map(m => [m.doubt, downSql(m)])).toEqual([[undefined, '-- Down\nselect 2;']])
  })
})
