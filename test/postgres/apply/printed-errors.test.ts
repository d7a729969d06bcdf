// How an error is printed: fields in JSON, a caret on a terminal, no password.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

describe('as it is printed', () => {
  const files = {
    '0001_users.sql': 'create table users (id int);\n',
    '0002_größe.sql': "-- Größen\n\tinsert into users select '日本🎉' || 1,\tnope from users;\n\nselect 1;\n",
  }

  test('a JSON line has err, migration, file, line, column and excerpt', async ({ database }) => {
    const dir = await folder(files)
    const { code, stdout, stderr, lines } = await schemagate(['up', '--dir', dir], {
      env: { DATABASE_URL: database.url },
    })
    expect(code).toBe(5)
    expect(stderr).toBe('')
    expect(stdout.trimEnd().split('\n')).toHaveLength(lines.length)
    const errors = lines.filter(({ level }) => level === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({
      level: 'error',
      migration: '0002_größe',
      file: join(dir, '0002_größe.sql'),
      line: 2,
      column: 39,
      err: { type: 'MigrationFailedError', exitCode: 5, cause: { code: '42703', severity: 'ERROR' } },
    })
    expect(errors[0]!.excerpt).toBe(
      [
        '  1 | -- Größen',
        "> 2 | \tinsert into users select '日本🎉' || 1,\tnope from users;",
        `    | \t${' '.repeat("insert into users select '".length)}${' '.repeat(6)}${' '.repeat("' || 1,".length)}\t^`,
        '  3 |',
      ].join('\n'),
    )
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', applied: 1, exitCode: 5, head: '0001_users' })
  })

  test('a terminal shows the SQL line with the caret under the error', async ({ database }) => {
    const dir = await folder(files)
    const { stdout, stderr } = await schemagate(['up', '--dir', dir], {
      env: { DATABASE_URL: database.url, LOG_FORMAT: 'pretty' },
    })
    expect(stderr).toBe('')
    const lines = stdout.split('\n')
    const at = lines.findIndex(line => line.startsWith('> 2 | '))
    expect(lines[at - 3]).toMatch(
      /ERROR: 0002_größe failed at 0002_größe\.sql:2:39: column "nope" does not exist \(42703\)$/,
    )
    expect(lines[at - 2]).toBe(
      '0002_größe was rolled back; the database is as it was before it. Correct the file and run `schemagate up` again.',
    )
    // on a terminal the three wide characters take two columns each
    const width = (text: string) =>
      [...text].reduce((sum, c) => sum + (/[日本🎉]/u.test(c) ? 2 : c === '\t' ? 8 - (sum % 8) : 1), 0)
    expect(width(lines[at + 1]!.slice(0, lines[at + 1]!.indexOf('^')))).toBe(
      width(lines[at]!.slice(0, lines[at]!.indexOf('nope'))),
    )
    expect(lines.at(-2)).toMatch(/INFO: failed: 1 applied; the head is 0001_users \(.*exit code 5\)$/)
  })

  test('a password in the SQL that the server quotes in its answer is not shown, nor in what is recorded', async ({
    database,
  }) => {
    await database.query(
      "create table users (id int, email text, password text unique); insert into users values (1, 'a', 'hunter22')",
    )
    const statements = {
      'in the message': 'create role nobody login password "hunter22";',
      'in the detail': "insert into users (id, email, password) values (2, 'b@c.d', 'hunter22');",
      'in the row':
        "alter table users alter email set not null; insert into users (password, id) select 'hunter22', 2;",
      'in what a function raises':
        "do $$ declare password text := 'hunter22'; begin raise 'it is %', password; end $$;",
      'in code': undefined,
    }
    for (const [where, sql] of Object.entries(statements)) {
      const dir = await folder(
        sql === undefined
          ? {
              '1_x.ts': `export const up = ({ query }) => query('alter role nobody password "hunter22"')`,
            }
          : { '1_x.sql': sql },
      )
      for (const format of ['json', 'pretty']) {
        const { code, stdout } = await schemagate(['up', '--dir', dir, '--on-foreign-tables', 'run'], {
          env: { DATABASE_URL: database.url, LOG_FORMAT: format },
        })
        expect([where, code]).toEqual([where, 5])
        expect(stdout).not.toContain('hunter')
      }
    }
    const { rows } = await database.query("select error from schemagate.runs where error ~ 'hunter'")
    expect(rows).toEqual([])
  })

  test('a password in the SQL is not shown', async ({ database }) => {
    const dir = await folder({ '1_x.sql': "create role nobody login password 'hunter''22' nonsense;\n" })
    for (const LOG_FORMAT of ['json', 'pretty']) {
      const { code, stdout } = await schemagate(['up', '--dir', dir], {
        env: { DATABASE_URL: database.url, LOG_FORMAT },
      })
      expect(code).toBe(5)
      expect(stdout).toContain('nonsense')
      expect(stdout).not.toMatch(/hunter|'22/)
      expect(stdout).toContain(`password '${'*'.repeat(10)}' nonsense;`)
    }
    expect(await readFile(join(dir, '1_x.sql'), 'utf8')).toContain('hunter')
  })
})

test('a value of megabytes that the server quotes is shown by its beginning and its length', async ({ database }) => {
  const dir = await folder({ '1_a.sql': `select '${'x'.repeat(5_000_000)}'::int;` })
  const { code, stdout, stderr } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(code).toBe(5)
  expect(stdout.length + stderr.length).toBeLessThan(100_000)
  expect(stdout).toMatch(/x\.\.\. \(5,000,\d\d\d characters\)/)
})

test('a password that is the name of its user hides no names', async ({ database }) => {
  const user = database.role('shop')
  await database.query(
    `create role ${user} login password '${user}'; grant create on database ${database.name} to ${user}`,
  )
  const dir = await folder({ [`1_${user}.sql`]: 'create schema mine;', [`2_${user}.sql`]: 'select nonsense;' })
  const { stdout } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.urlFor(user, user) } })
  expect(stdout).toContain(`applied 1_${user} in`)
  expect(stdout).not.toContain('***')
})
