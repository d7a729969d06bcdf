// Files as pg_dump writes them, with the data of COPY, and files that are sent in several messages: one transaction all the same.

import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createMigrator } from '../../../migrator/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

async function up(url: string, files: Readonly<Record<string, string>>) {
  return createMigrator({ databaseUrl: url, dir: await folder(files) }).up()
}

async function texts(database: ScratchDatabase): Promise<string[]> {
  return (await database.query('select b from t order by a')).rows.map(row => row.b)
}

const table = 'create table t (a int primary key, b text);\n'

describe('the data of a COPY', () => {
  test('is taken as psql would feed it, among other statements', async ({ database }) => {
    const result = await up(database.url, {
      '1_t.sql': `${table}COPY t (a, b) FROM stdin; -- data\n1\tit's; "x" $$ /* --\n2\t日本語 🎈 \\\\.\n3\t\\N\n\\.\ninsert into t values (4, 'four');\ncopy t from stdin with (format csv);\n5,"a ""b"", c"\n\\.\ncopy t from stdin;\n\\.\n`,
      '2_windows.sql': 'copy t from stdin;\r\n6\tsix\r\n\\.\r\ninsert into t values (7, null);\r\n',
      // as a step, beside what cannot be in a transaction
      '3_steps.sql': 'copy t from stdin;\n8\teight\n\\.\nvacuum t;\ncopy t from stdin;\n9\tnine\n\\.\n',
      '4_wrapped.sql': 'begin;\ncopy t from stdin;\n10\tten\n\\.\ncommit;\n',
      '5_each.sql': '-- migrate:up transaction:false\ncopy t from stdin;\n11\televen\n\\.\nvacuum t;\n',
    })
    expect(result.exitCode, result.error?.message).toBe(0)
    const expected = ['it\'s; "x" $$ /* --', '日本語 🎈 \\.', null, 'four', 'a "b", c', 'six', null]
    expect(await texts(database)).toEqual([...expected, 'eight', 'nine', 'ten', 'eleven'])
  })

  test('is UTF-8, as its file is, also where an old dump was of another encoding', async ({ database }) => {
    const dump = "SET client_encoding = 'LATIN1';\ninsert into t values (1, 'é');\ncopy t from stdin;\n2\té\n\\.\n"
    const result = await up(database.url, {
      '1_t.sql': table,
      '2_dump.sql': dump,
      '3_steps.sql': "set names 'LATIN1';\ncopy t from stdin;\n3\té\n\\.\nvacuum t;\ninsert into t values (4, 'é');\n",
    })
    expect(result.exitCode, result.error?.message).toBe(0)
    expect(await texts(database)).toEqual(['é', 'é', 'é', 'é'])
  })

  test.for([
    ['a line of the data', '1\tone\n2\ttwo\nx\tthree\n', '22P02', 5],
    ['a key that is there', '1\tone\n1\ttwo\n', '23505', 4],
    ['a column too many', '1\tone\t1\n', '22P04', 3],
  ] as const)('is blamed by file and line: %s', async ([, data, code, line], { database }) => {
    const dir = { '1_t.sql': table, '2_data.sql': `insert into t values (9, '');\ncopy t from stdin;\n${data}\\.\n` }
    const result = await up(database.url, dir)
    expect(result.exitCode).toBe(5)
    expect(result.error).toMatchObject({ place: { line } })
    expect(result.error?.message).toMatch(new RegExp(`2_data failed at 2_data\\.sql:${line}:1: .*\\(${code}\\)`))
    expect(await texts(database)).toEqual([])
  })

  test('is not there where the COPY itself is wrong, or its connection is lost', async ({ database }) => {
    const wrong = await up(database.url, { '1_t.sql': 'select 1;\ncopy nowhere from stdin;\n1\n\\.\n' })
    expect(wrong.error).toMatchObject({ place: { line: 2 } })
    expect(wrong.error?.message).toContain('42P01')
    let cut = 0
    const proxy = await tcpProxy(database.url, {
      onMessage: ({ sql }) => (sql?.startsWith('copy t') && cut++ === 0 ? 'cut-after-answer' : 'forward'),
    })
    const files = { '1_t.sql': table, '2_data.sql': `copy t from stdin;\n1\tone\n\\.\n` }
    const result = await up(proxy.url(database.url), files)
    expect(result.exitCode, result.error?.message).toBe(0)
    expect(cut).toBe(2)
    expect(await texts(database)).toEqual(['one'])
  })
})

describe('a file that is sent in several messages', () => {
  const inserts = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => `insert into t values (${i}, 'the end of it; commit ${'x'.repeat(180)}');\n`,
    ).join('')

  test('is one transaction, with the place of what fails', async ({ database }) => {
    const proxy = await tcpProxy(database.url)
    const text = inserts(6_000)
    const failing = { '1_t.sql': table, '2_data.sql': `${text}insert into t values (0, '');\n` }
    const failed = await up(proxy.url(database.url), failing)
    expect(failed.exitCode).toBe(5)
    expect(failed.error).toMatchObject({ place: { line: 6_001 } })
    expect(await texts(database)).toEqual([])
    const result = await up(database.url, { '1_t.sql': table, '2_data.sql': text })
    expect(result.exitCode, result.error?.message).toBe(0)
    const { rows } = await database.query('select count(*)::int as n, count(distinct xmin::text)::int as x from t')
    expect(rows).toEqual([{ n: 6_000, x: 1 }])
    expect(proxy.messages.filter(({ sql }) => sql?.includes('insert into t')).length).toBeGreaterThan(2)
    for (const { sql = '' } of proxy.messages) expect(sql.length).toBeLessThan(400_000)
  })

  test('does not end its transaction with a COMMIT of its own that the grammar would not have taken', async ({
    database,
  }) => {
    // the second statement is of no grammar; what stands around it is a transaction of the file's own
    const text = `begin;\n${inserts(10)}selct 1;\ncommit;\nselect 1;\n`
    const result = await up(database.url, { '1_t.sql': table, '2_data.sql': text })
    expect(result.exitCode, result.error?.message).toBe(2)
    expect(result.error).toMatchObject({ place: { line: 12 } })
  })

  test('is refused where it is longer than a text can be', async ({ database }) => {
    const dir = await folder({ '1_t.sql': table, '2_data.sql': '' })
    await truncate(join(dir, '2_data.sql'), 600 * 2 ** 20)
    const { error, exitCode } = await createMigrator({ databaseUrl: database.url, dir }).up()
    expect(exitCode).toBe(2)
    expect(error?.message).toMatch(/2_data\.sql has 600 MB; a migration can have at most 512 MB\. Split it/)
  })
})
