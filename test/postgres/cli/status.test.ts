// `status`, and what every command says when the ledger and the files disagree.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { files, on, relations } from './fixtures.ts'

/** The example in docs/json.md. */
const documented = JSON.parse(
  /```json\n(.*?)\n```/s.exec(readFileSync(join(import.meta.dirname, '../../../docs/json.md'), 'utf8'))![1]!,
)
const keysOf = (value: object | undefined) => Object.keys(value ?? {})

describe('status', () => {
  test('prints exactly the documented object, and changes nothing', async ({ database }) => {
    const run = on(database, await folder(files))
    const status = async () => JSON.parse((await run('status', '--format', 'json')).stdout)
    const { hostname, port } = new URL(database.url)
    const { rows } = await database.query(`select split_part(version(), ' ', 2) as version`)
    const place = {
      host: hostname,
      port: Number(port),
      name: database.name,
      version: expect.stringContaining(rows[0]!.version),
    }
    expect(await status()).toEqual({
      database: place,
      state: 'empty',
      head: null,
      applied: [],
      pending: [
        { name: '1_users', kind: 'sql', transaction: true, breaking: false },
        { name: '2_index', kind: 'sql', transaction: false, breaking: true },
        { name: '3_code', kind: 'code', transaction: true, breaking: false },
      ],
      tables: [],
      problems: [],
    })
    expect(await relations(database)).toEqual([])

    await run('up', '--to', '2_index')
    const half = await status()
    expect(half).toMatchObject({ state: 'pending', head: '2_index', tables: ['public.users'], problems: [] })
    expect(half.pending.map(({ name }: { name: string }) => name)).toEqual(['3_code'])
    expect(keysOf(half)).toEqual(keysOf(documented))
    for (const part of ['database', 'applied', 'pending'] as const) {
      const [real, shown] = [half[part], documented[part]].map(value => (Array.isArray(value) ? value[0] : value))
      expect(keysOf(real)).toEqual(keysOf(shown))
    }
    await run('up')
    const whole = await status()
    expect(Object.keys(whole)).toEqual(['database', 'state', 'head', 'applied', 'pending', 'tables', 'problems'])
    expect(whole).toMatchObject({
      state: 'current',
      head: '3_code',
      pending: [],
      tables: ['public.code', 'public.users'],
    })
    expect(whole.applied).toEqual(
      ['1_users', '2_index', '3_code'].map(name => ({
        name,
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
        kind: name === '3_code' ? 'code' : 'sql',
        appliedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        durationMs: expect.any(Number),
      })),
    )
  })

  test('has null for a time or a duration that is none', async ({ database }) => {
    const run = on(database, await folder({ '1_a.sql': 'create table a (b int);' }))
    await run('up')
    for (const [time, duration] of [
      ['infinity', 'infinity'],
      ['290000-01-01', 'NaN'],
    ]) {
      await database.query(`update schemagate.ledger set applied_at = '${time}', duration_ms = '${duration}'`)
      const { code, stdout, stderr } = await run('status', '--format', 'json')
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout).applied).toMatchObject([{ name: '1_a', appliedAt: null, durationMs: null }])
      expect((await run('status')).stdout).toMatch(/^ {2}applied {2}1_a$/m)
    }
  })

  test('ends with 0 whatever the state, but with --exit-code as check does', async ({ database }) => {
    const dir = await folder(files)
    const run = on(database, dir)
    const codes = async () =>
      [await run('status'), await run('status', '--exit-code'), await run('check')].map(r => r.code)
    expect(await codes()).toEqual([0, 7, 7])
    await run('up')
    expect(await codes()).toEqual([0, 0, 0])
    await write(dir, { '4_more.sql': 'select 1;' })
    expect(await codes()).toEqual([0, 7, 7])
    await write(dir, { '1_users.sql': 'create table users (id bigint);' })
    expect(await codes()).toEqual([0, 6, 6])
  })

  test('as text shows each migration and each problem', async ({ database }) => {
    const dir = await folder(files)
    const run = on(database, dir)
    await run('up', '--to', '1_users')
    await write(dir, { '1_users.sql': 'select 1;' })
    const { stdout, stderr } = await run('status')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^database {2}t_\w+ at .*, PostgreSQL \d+/)
    for (const line of [
      /^state {5}diverged$/m,
      /^head {6}1_users$/m,
      /^ {2}applied {2}1_users /m,
      /^ {2}pending {2}2_index {2}no transaction {2}breaking$/m,
      /^ {2}edited: .*1_users\.sql was changed/m,
    ])
      expect(stdout).toMatch(line)
  })
})

describe('the ledger and the files disagree: 6, and nothing is changed', () => {
  test.for([
    [
      'edited',
      { '1_users.sql': 'create table users (id bigint);' },
      /edited: .*1_users\.sql was changed after it was applied\. .*repair --accept-edited 1_users/,
    ],
    [
      'missing',
      { '1_users.sql': null },
      /missing: 1_users is applied, but there is no such file\. .*repair --forget-missing 1_users/,
    ],
    [
      'out of order',
      { '0_late.sql': 'select 1;' },
      /out-of-order: 0_late is not applied, but comes before 2_b, which is/,
    ],
  ] as const)('%s', async ([, change, message], { database }) => {
    const before = { '1_users.sql': 'create table users (id int);', '2_b.sql': 'create table b (id int);' }
    const first = await folder(before)
    expect((await on(database, first)('up')).code).toBe(0)
    const after = Object.entries({ ...before, ...change, '3_new.sql': 'create table new (id int);' })
    const run = on(
      database,
      await folder(Object.fromEntries(after.flatMap(([name, text]) => (text === null ? [] : [[name, text]])))),
    )
    const was = await relations(database)
    for (const verb of ['up', 'check', 'plan', 'down']) {
      const { code, lines } = await run(verb)
      expect([verb, code]).toEqual([verb, 6])
      expect(lines.find(({ level }) => level === 'error')?.msg).toMatch(message)
    }
    expect(await relations(database)).toEqual(was)
  })

  test('all of it is told at once', async ({ database }) => {
    await on(database, await folder({ '1_a.sql': 'select 1;', '2_b.sql': 'select 2;', '4_d.sql': 'select 4;' }))('up')
    const { code, stdout } = await on(
      database,
      await folder({ '1_a.sql': 'select 11;', '3_c.sql': 'select 3;', '4_d.sql': 'select 4;' }),
    )('up')
    expect(code).toBe(6)
    for (const problem of ['edited: ', 'missing: 2_b', 'out-of-order: 3_c']) expect(stdout).toContain(problem)
  })

  test('ahead is refused, and let pass with --allow-ahead unless something newer breaks older apps', async ({
    database,
  }) => {
    const old = { '1_a.sql': 'select 1;' }
    await on(database, await folder({ ...old, '2_b.sql': 'select 2;' }))('up')
    const run = on(database, await folder(old))
    const refused = await run('up')
    expect(refused).toMatchObject({ code: 6, stdout: expect.stringContaining('the database is ahead of them') })
    await on(database, await folder({ ...old, '2_b.sql': 'select 2;', '2_c.sql': 'select 3;' }))('up')
    const [name, ...wayOut] = (await run('status')).stdout.split('\n').filter(line => line.startsWith('  missing: '))
    expect(name).toBe('  missing: 2_b is applied, but newer than all of these files')
    expect(wayOut).toEqual([expect.stringMatching(/2_c is applied.*the database is ahead of them.*--allow-ahead/)])
    expect(await run('up', '--allow-ahead')).toMatchObject({ code: 0 })
    expect(JSON.parse((await run('status', '--format', 'json')).stdout)).toMatchObject({ state: 'ahead', head: '2_c' })
    await on(
      database,
      await folder({
        ...old,
        '2_b.sql': 'select 2;',
        '2_c.sql': 'select 3;',
        '3_d.sql': '-- schemagate:breaking\nselect 4;',
      }),
    )('up')
    expect(await run('up', '--allow-ahead')).toMatchObject({ code: 6 })
  })
})
