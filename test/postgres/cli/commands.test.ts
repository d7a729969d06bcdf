// The command line as a process: exit codes, what goes where, and what each verb does.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { readFolder } from '../../../migrator/files/folder.ts'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'

const files = {
  '1_users.sql': '-- migrate:up\ncreate table users (id int);\n-- migrate:down\ndrop table users;\n',
  '2_index.sql': '-- schemagate:breaking\n-- migrate:up\ncreate index concurrently users_id on users (id);\n',
  '3_code.ts':
    'export const up = ({ query }: { query(text: string): Promise<unknown> }) => query("create table code ()")\n',
}

function on(database: ScratchDatabase, dir: string) {
  return (...args: string[]) => {
    const rest = args.indexOf('--')
    const own = rest === -1 ? args : args.slice(0, rest)
    return schemagate([...own, '--dir', dir, ...args.slice(own.length)], { env: { DATABASE_URL: database.url } })
  }
}

async function relations(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace::regnamespace::text !~ '^(pg_|information)' order by 1`,
  )
  return rows.map(({ name }) => name)
}

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
    expect(await run('up', '--allow-ahead')).toMatchObject({ code: 0 })
    expect(JSON.parse((await run('status', '--format', 'json')).stdout)).toMatchObject({ state: 'ahead', head: '2_b' })
    await on(
      database,
      await folder({ ...old, '2_b.sql': 'select 2;', '3_c.sql': '-- schemagate:breaking\nselect 3;' }),
    )('up')
    expect(await run('up', '--allow-ahead')).toMatchObject({ code: 6 })
  })
})

describe('down', () => {
  test('does nothing without --yes, and says what it would do', async ({ database }) => {
    const run = on(database, await folder({ '1_users.sql': files['1_users.sql'] }))
    await run('up')
    const { code, lines } = await run('down')
    expect(code).toBe(8)
    expect(lines.find(({ level }) => level === 'error')?.msg).toContain('would revert 1_users')
    expect(await relations(database)).toContain('users')
    const done = await run('down', '--yes')
    expect(done.code).toBe(0)
    expect(done.lines.at(-1)).toMatchObject({ event: 'run', outcome: 'reverted', reverted: 1, exitCode: 0, head: null })
    expect(await relations(database)).not.toContain('users')
    expect(await run('down', '--yes')).toMatchObject({ code: 0 })
  })

  test('refuses a migration without a down part before it reverts any other', async ({ database }) => {
    const run = on(
      database,
      await folder({ '0_none.sql': 'create table none (id int);', '1_users.sql': files['1_users.sql'] }),
    )
    await run('up')
    const { code, lines } = await run('down', '--step', '2', '--yes')
    expect(code).toBe(8)
    expect(lines.find(({ level }) => level === 'error')?.msg).toContain(
      '0_none cannot be undone: there is no down part',
    )
    expect(await relations(database)).toEqual(expect.arrayContaining(['"none"', 'users']))
    expect(await run('down', '--to', 'nothing', '--yes')).toMatchObject({ code: 2 })
    expect(await run('down', '--to', '0_none', '--step', '1')).toMatchObject({ code: 2 })
  })
})

describe('create, plan, baseline, repair, manifest', () => {
  test('create writes the next file in the scheme that the folder has', async () => {
    const next = async (given: Record<string, string>, title = 'add users', ...more: string[]) => {
      const dir = await folder(given)
      const { code, stdout, stderr } = await schemagate(['create', title, '--dir', dir, ...more])
      expect(code, stderr).toBe(0)
      const made = stdout
        .trimEnd()
        .split('\n')
        .map(path => path.slice(dir.length + 1))
      // what was made is a migration, and comes last
      const manifest = await schemagate(['manifest', '--dir', dir])
      expect(manifest.code, manifest.stderr).toBe(0)
      const names = JSON.parse(manifest.stdout).migrations.map(({ name }: { name: string }) => name)
      expect(made[0]).toContain(names.findLast((name: string) => !name.startsWith('R__')))
      return made
    }
    expect(await next({})).toEqual(['0001_add_users.sql'])
    expect(await next({ '0009_a.sql': '' })).toEqual(['0010_add_users.sql'])
    expect(await next({ '9_a.sql': '' })).toEqual(['10_add_users.sql'])
    expect(await next({ '000007_a.up.sql': '', '000007_a.down.sql': '' })).toEqual([
      '000008_add_users.up.sql',
      '000008_add_users.down.sql',
    ])
    expect(await next({ 'V1__a.sql': '', 'V2.3__b.sql': '', 'R__v.sql': '' })).toEqual(['V3__add_users.sql'])
    expect(await next({ '20240101000000_a/migration.sql': '' })).toEqual([
      expect.stringMatching(/^20\d{12}_add_users\/migration\.sql$/),
    ])
    expect(await next({ '2024-01-01-000000_a/up.sql': '', '2024-01-01-000000_a/down.sql': '' })).toEqual([
      expect.stringMatching(/^20\d\d-\d\d-\d\d-\d{6}_add_users\/up\.sql$/),
      expect.stringMatching(/^20\d\d-\d\d-\d\d-\d{6}_add_users\/down\.sql$/),
    ])
    expect(await next({ '1704067200000_a.sql': '' })).toEqual([expect.stringMatching(/^1\d{12}_add_users\.sql$/)])
    // a clock that is behind the newest file
    expect(await next({ '20990101000000_a.sql': '' })).toEqual(['20990101000001_add_users.sql'])
    expect(await next({ '0001_a.sql': '' }, 'größer 🎉', '--ts')).toEqual(['0002_größer_🎉.ts'])
  })

  test('create marks the parts as the newest file does', async () => {
    const cases = [
      ['-- +goose Up\nselect 1;\n-- +goose Down\nselect 2;\n', '-- +goose Up', '-- +goose Down'],
      ['-- +migrate Up\nselect 1;\n-- +migrate Down\n', '-- +migrate Up', '-- +migrate Down'],
      ['-- Up Migration\nselect 1;\n-- Down Migration\n', '-- Up Migration', '-- Down Migration'],
      ['select 1;\n---- create above / drop below ----\n', '', '---- create above / drop below ----'],
      ['-- migrate:up\nselect 1;\n', '-- migrate:up', '-- migrate:down'],
    ] as const
    for (const [text, up, down] of cases) {
      const dir = await folder({ '00001_a.sql': text })
      const { stdout } = await schemagate(['create', 'b', '--dir', dir])
      expect(await readdir(dir)).toEqual(['00001_a.sql', '00002_b.sql'])
      expect(await readFile(stdout.trim(), 'utf8')).toBe(`${up}\n\n\n${down}\n\n`)
      expect(readFolder(dir).at(-1)?.down?.source).toContain(down)
    }
    // of a tool without marks, which would run a down part as well
    const plain = await folder({ '20240101000000_a.sql': 'select 1;\n' })
    const { stdout } = await schemagate(['create', 'b', '--dir', plain])
    expect(await readFile(stdout.trim(), 'utf8')).toBe('')
  })

  test('create refuses a title that makes no name', async () => {
    for (const title of ['', '  ', '.hidden', 'a:b', 'what?'])
      expect(await schemagate(['create', title, '--dir', await folder({ '1_a.sql': '' })]), title).toMatchObject({
        code: 2,
      })
  })

  test('create refuses a folder that is a file', async () => {
    const file = join(await folder({ '1_a.sql': '' }), '1_a.sql')
    const { code, stderr } = await schemagate(['create', 'more', '--dir', file])
    expect(code).toBe(2)
    expect(stderr).toContain('is not a folder')
  })

  test.for([
    ['up', '--to', '1'],
    ['down', '--to', '1'],
    ['baseline', '1'],
  ])('%j: a number alone is answered with the migration that it begins', async (args, { database }) => {
    const run = on(database, await folder(files))
    await run('up')
    const { code, lines } = await run(...args)
    expect(code).toBe(2)
    expect(lines.find(({ level }) => level === 'error')?.msg).toContain('Did you mean 1_users?')
  })

  test('plan shows what up would run, in order, and runs nothing', async ({ database }) => {
    const run = on(database, await folder(files))
    const text = await run('plan')
    expect(text).toMatchObject({ code: 0, stderr: '' })
    const at = [
      '1_users (in one transaction)',
      'create table users',
      '2_index (in 1 step, breaking)',
      'outside of a transaction',
      'create index concurrently',
      '3_code (code)',
    ].map(part => [part, text.stdout.indexOf(part)])
    expect(at.filter(([, index]) => Number(index) < 0)).toEqual([])
    expect(at.map(([, index]) => index)).toEqual(at.map(([, index]) => Number(index)).sort((a, b) => a - b))
    expect(text.stdout).not.toContain('drop table')
    const json = JSON.parse((await run('plan', '--format', 'json')).stdout)
    expect(json).toMatchObject({
      head: null,
      migrations: [
        { name: '1_users', transaction: true },
        { name: '2_index', transaction: false, breaking: true, reversible: false, steps: [{ transaction: false }] },
        { name: '3_code', steps: [] },
      ],
    })
    expect(await relations(database)).toEqual([])
    await run('up')
    expect((await run('plan')).stdout).toBe('-- nothing to do; the head is 3_code\n')
  })

  test('baseline records without running, and up goes on from there', async ({ database }) => {
    const run = on(database, await folder(files))
    await database.query('create table users (id int)')
    expect(await run('baseline', '1_user')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean 1_users?'),
    })
    const done = await run('baseline', '1_users')
    expect(done).toMatchObject({ code: 0, stdout: 'recorded 1_users\nnothing was run: the database has 1 table\n' })
    expect(JSON.parse((await run('status', '--format', 'json')).stdout)).toMatchObject({
      state: 'pending',
      head: '1_users',
      applied: [{ name: '1_users', kind: 'baseline' }],
    })
    expect((await run('baseline', '1_users')).stdout).toContain('nothing to do')
    expect(await run('up')).toMatchObject({ code: 0 })
    expect(await run('check')).toMatchObject({ code: 0 })
  })

  test('repair accepts what was edited and forgets what is missing, one by one, and leaves a trace', async ({
    database,
  }) => {
    await on(database, await folder({ '1_a.sql': 'select 1;', '2_b.sql': 'select 2;', '3_c.sql': 'select 3;' }))('up')
    const run = on(database, await folder({ '1_a.sql': 'select 11;', '3_c.sql': 'select 3;' }))
    expect(await run('repair')).toMatchObject({ code: 2 })
    expect(await run('repair', '--accept-edited', '3_c')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('3_c is not edited'),
    })
    expect(await run('repair', '--forget-missing', '1_a')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('1_a is not missing'),
    })
    const edited = await run('repair', '--accept-edited', '1_a')
    expect(edited.code, edited.stderr).toBe(0)
    expect(edited.stdout).toMatch(/^1_a\n {2}before {2}checksum [0-9a-f]{64}\n {2}after {3}checksum [0-9a-f]{64}\n$/)
    expect(await run('up')).toMatchObject({ code: 6 })
    const forgotten = await run('repair', '--forget-missing', '2_b')
    expect(forgotten).toMatchObject({ code: 0, stdout: expect.stringContaining('forgotten') })
    expect(await run('up')).toMatchObject({ code: 0 })
    const { rows } = await database.query(`select string_agg(journal::text, ' ') as trace from schemagate.ledger`)
    expect(rows[0]!.trace).toContain('repairs')
    expect(rows[0]!.trace).toContain('2_b')
  })

  test('repair takes each flag more than once, all of it or nothing, and keeps the trace of a row that goes later', async ({
    database,
  }) => {
    const before = Object.fromEntries(['1_a', '2_b', '3_c', '4_d', '5_e'].map(name => [`${name}.sql`, `-- ${name}`]))
    await on(database, await folder(before))('up')
    const run = on(database, await folder({ '1_a.sql': 'select 11;', '2_b.sql': 'select 22;' }))
    const rows = async () =>
      (await database.query('select name, checksum, journal from schemagate.ledger order by position')).rows
    const was = await rows()
    const wrong = await run(
      'repair',
      ...['--accept-edited', '1_a', '--accept-edited', '4_d', '--forget-missing', '3_c'],
      ...['--forget-missing', '2_b', '--forget-missing', '3_c'],
    )
    expect(wrong.code).toBe(2)
    for (const part of ['4_d is not edited', '2_b is not missing', '3_c is named twice', 'Nothing was changed'])
      expect(wrong.stderr).toContain(part)
    expect(await rows()).toEqual(was)
    // its trace is on 4_d, which goes next
    expect(await run('repair', '--forget-missing', '5_e')).toMatchObject({ code: 0 })
    const { code, stdout, stderr } = await run(
      'repair',
      ...['--accept-edited', '2_b', '--forget-missing', '3_c', '--accept-edited', '1_a', '--forget-missing', '4_d'],
    )
    expect(code, stderr).toBe(0)
    expect(stdout.match(/^\d_\w/gm)).toEqual(['2_b', '1_a', '3_c', '4_d'])
    expect(await run('up')).toMatchObject({ code: 0 })
    const { rows: traces } = await database.query(
      `select name, r->>'action' as action, r->>'migration' as migration, r->>'checksum' as checksum
         from schemagate.ledger, jsonb_array_elements(journal->'repairs') with ordinality as t (r, n) order by position, n`,
    )
    const checksum = (name: string) => was.find(row => row.name === name)!.checksum
    expect(traces).toEqual([
      { name: '1_a', action: 'accept-edited', migration: null, checksum: checksum('1_a') },
      { name: '2_b', action: 'accept-edited', migration: null, checksum: checksum('2_b') },
      { name: '2_b', action: 'forget-missing', migration: '3_c', checksum: checksum('3_c') },
      { name: '2_b', action: 'forget-missing', migration: '5_e', checksum: checksum('5_e') },
      { name: '2_b', action: 'forget-missing', migration: '4_d', checksum: checksum('4_d') },
    ])
  })

  test('manifest needs no database, and check asks with it what an app asks', async ({ database }) => {
    const dir = await folder(files)
    const run = on(database, dir)
    const manifest = await schemagate(['manifest', '--dir', dir])
    expect(manifest).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(manifest.stdout).migrations).toMatchObject([
      { name: '1_users', breaking: false },
      { name: '2_index', breaking: true },
      { name: '3_code', kind: 'code' },
    ])
    const at = join(await folder({ 'manifest.json': manifest.stdout }), 'manifest.json')
    const empty = await folder({})
    const check = (file: string) =>
      schemagate(['check', '--manifest', file, '--dir', empty], { env: { DATABASE_URL: database.url } })
    expect(await check(at)).toMatchObject({ code: 7, stdout: '' })
    await run('up')
    expect(await check(at)).toMatchObject({ code: 0, stderr: '' })
    // a newer migration that breaks nothing is no matter to an app; one that breaks is
    await write(dir, { '4_more.sql': 'select 1;' })
    await run('up')
    expect(await check(at)).toMatchObject({ code: 0 })
    await write(dir, { '5_break.sql': '-- schemagate:breaking\nselect 1;' })
    await run('up')
    expect(await check(at)).toMatchObject({ code: 6, stderr: expect.stringContaining('5_break') })
    expect(await check(join(empty, 'none.json'))).toMatchObject({ code: 2 })
    expect(await check(join(dir, '1_users.sql'))).toMatchObject({ code: 2 })
    // for no migrations at all every database would do
    const nothing = join(await folder({ 'none.json': '{"version":1,"head":null,"migrations":[]}' }), 'none.json')
    const refused = { code: 2, stderr: expect.stringContaining('\\"migrations\\" is empty') }
    expect(await check(nothing)).toMatchObject(refused)
    expect(await run('wait', '--manifest', nothing)).toMatchObject({ code: 2 })
  })
})

describe('wait', () => {
  test('asks until the answer is yes', async ({ database }) => {
    const dir = await folder(files)
    const waiting = start(['wait', '--timeout', '30s', '--dir', dir], { env: { DATABASE_URL: database.url } })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))
    await on(database, dir)('up')
    const { code, lines } = await waiting.ended
    expect(code).toBe(0)
    expect(lines.at(-1)).toMatchObject({ event: 'matches', head: '3_code' })
  })

  test('ends with the code of the last answer when the time is up', async ({ database }) => {
    const dir = await folder(files)
    const run = on(database, dir)
    expect(await run('wait', '--timeout', '300ms')).toMatchObject({ code: 7 })
    await run('up')
    await write(dir, { '1_users.sql': 'select 1;' })
    expect(await run('wait', '--timeout', '300ms')).toMatchObject({ code: 6 })
    const nobody = await schemagate(['wait', '--timeout', '300ms', '--dir', dir], {
      env: { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d' },
    })
    expect(nobody.code).toBe(3)
  })

  test('becomes the command, with its exit code, its output and its signals', async ({ database }) => {
    const dir = await folder({ '1_a.sql': 'select 1;' })
    const run = on(database, dir)
    await run('up')
    expect(await run('wait', '--', 'sh', '-c', 'exit 7')).toMatchObject({ code: 7 })
    const said = await run('wait', '--', 'sh', '-c', 'echo "$0 $1"; echo "$DATABASE_URL" | wc -c', 'a b', '--dir')
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('a b --dir\n') })

    const env = { DATABASE_URL: database.url }
    const child = start(
      [
        'wait',
        '--dir',
        dir,
        '--',
        'sh',
        '-c',
        'trap "echo stopped; exit 3" TERM; echo ready; while :; do sleep 0.05; done',
      ],
      { env },
    )
    await eventually(() => expect(child.stdout).toContain('ready'))
    child.kill('SIGTERM')
    expect(await child.ended).toMatchObject({ code: 3, stdout: expect.stringContaining('stopped') })
    const killed = start(['wait', '--dir', dir, '--', 'sh', '-c', 'echo ready; exec sleep 600'], { env })
    await eventually(() => expect(killed.stdout).toContain('ready'))
    killed.kill('SIGTERM')
    expect(await killed.ended).toMatchObject({ signal: 'SIGTERM' })

    expect(await run('wait', '--', 'no-such-command-here')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('no-such-command-here'),
    })
    await write(dir, { '2_b.sql': 'select 2;' })
    const not = await run('wait', '--timeout', '200ms', '--', 'sh', '-c', 'echo ran')
    expect(not).toMatchObject({ code: 7, stdout: expect.not.stringContaining('ran\n') })
  })

  test('stops at once when it is told to', async ({ database }) => {
    const dir = await folder(files)
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const waiting = start(['wait', '--dir', dir], { env: { DATABASE_URL: database.url } })
      await eventually(() => expect(waiting.stdout).toContain('not yet'))
      waiting.kill(signal)
      expect(await waiting.ended).toMatchObject({ code })
    }
  })
})

describe('the command line itself', () => {
  test('every command has help, which names its options and variables', async () => {
    const general = await schemagate(['--help'])
    expect(general).toMatchObject({ code: 0, stderr: '' })
    const verbs = ['up', 'down', 'status', 'check', 'wait', 'plan', 'create', 'baseline', 'repair', 'manifest']
    for (const verb of verbs) {
      expect(general.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'))
      const { code, stdout, stderr } = await schemagate([verb, '--help'])
      expect({ verb, code, stderr }).toEqual({ verb, code: 0, stderr: '' })
      expect(stdout).toMatch(new RegExp(`^schemagate ${verb}: `))
      expect(stdout).toContain(`Usage: schemagate ${verb}`)
      expect(stdout).toContain('variable SCHEMAGATE_DIR')
    }
    expect((await schemagate(['up', '--help'])).stdout).toContain('--lock-timeout TIME')
  })

  test.for([
    [[], 2, 'Usage: schemagate'],
    [['upp'], 2, 'Did you mean up?'],
    [['verify'], 2, 'reserved for a later version'],
    [['adopt', 'flyway'], 2, 'reserved for a later version'],
    [['--version'], 0, ''],
  ] as const)('%j', async ([args, code, message]) => {
    const result = await schemagate(args)
    expect(result.code).toBe(code)
    expect(result.stdout + result.stderr).toContain(message)
  })

  test('a run that does not begin ends with its line all the same, and every problem in one message', async () => {
    const { code, lines } = await schemagate(['up', '--dri', 'x'], { env: { SCHEMAGATE_LOCKWAIT: '1s' } })
    expect(code).toBe(2)
    const error = lines.find(({ level }) => level === 'error')
    for (const part of ['Did you mean --dir?', 'Did you mean SCHEMAGATE_LOCK_WAIT?', 'No database is configured.'])
      expect(error?.msg).toContain(part)
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', applied: 0, exitCode: 2 })
  })

  test('a run that fails before it knows the head says nothing of it', async ({ database }) => {
    const { lines } = await on(database, '/nowhere')('up')
    expect(lines.at(-1)?.msg).toMatch(/^failed: 0 applied \(.*exit code 2\)$/)
  })

  test.for([
    ['an empty folder', {}, /No migrations in/],
    ['a stray SQL file', { '1_a.sql': '', 'x.sql': '' }, /x\.sql is not a migration of any known layout/],
    ['the same name twice', { '1_a.sql': '', '1_a.up.sql': '' }, /Two migrations are named 1_a/],
  ] as const)('%s ends with 2', async ([, given, message], { database }) => {
    const run = on(database, await folder(given))
    for (const verb of ['up', 'status', 'check', 'plan']) {
      const { code, lines } = await run(verb)
      expect([verb, code]).toEqual([verb, 2])
      expect(lines.find(({ level }) => level === 'error')?.msg).toMatch(message)
    }
    expect(await relations(database)).toEqual([])
  })

  test('results go to stdout and logs to stderr, but for up, down and wait, whose logs are their output', async ({
    database,
  }) => {
    const run = on(database, await folder(files))
    const silent = { stderr: '' }
    expect(await run('up')).toMatchObject(silent)
    expect(await run('down')).toMatchObject(silent)
    expect(await run('wait', '--timeout', '100ms')).toMatchObject(silent)
    for (const verb of ['status', 'check', 'plan', 'manifest']) {
      const { stdout, stderr, lines } = await run(verb)
      expect({ verb, stderr }).toEqual({ verb, stderr: '' })
      expect(stdout).not.toBe('')
      expect(lines.filter(line => 'level' in line)).toEqual([])
    }
    for (const args of [
      ['check', '--manifest', '/nowhere'],
      ['repair'],
      ['baseline', 'none'],
      ['status', '--nonsense'],
    ]) {
      const { stdout, lines } = await run(...args)
      expect({ args, stdout }).toEqual({ args, stdout: '' })
      expect(lines).toHaveLength(1)
    }
  })
})

describe('a code migration that takes the process with it does not pass for done', () => {
  const ended = /ended before its work was done.*process\.exit/
  const uncaught = /error that nothing caught ended the run.*\nError: late/
  test.for([
    ['process.exit(0) in up', 'export const up = () => process.exit(0)\n', ended],
    ['process.exit(0) when it is loaded', 'process.exit(0)\n', ended],
    [
      'an error in a timer',
      `export const up = () => {\n  setTimeout(() => { throw new Error('late') }, 1)\n  return new Promise(done => setTimeout(done, 500))\n}\n`,
      uncaught,
    ],
    [
      'a promise that it does not wait for',
      `export const up = ({ query }) => {\n  Promise.reject(new Error('late'))\n  return query('select pg_sleep(30)')\n}\n`,
      uncaught,
    ],
  ] as const)('%s', async ([, text, message], { database }) => {
    const run = on(database, await folder({ '1_x.mjs': text }))
    const { code, stdout, stderr, lines } = await run('up')
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
    expect(stdout.trimEnd().split('\n')).toHaveLength(lines.length)
    expect(lines.find(({ level }) => level === 'error')?.msg).toMatch(message)
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', applied: 0, exitCode: 5 })
    const status = await run('status', '--format', 'json')
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'empty', applied: [] })
  })

  test.for(['await new Promise(() => {})\n', 'setInterval(() => {}, 1000)\nawait new Promise(() => {})\n'])(
    'a signal ends one that hangs while it is loaded: %j',
    async (text, { database }) => {
      const dir = await folder({ '1_x.mjs': `process.stderr.write('loading')\n${text}` })
      const cli = start(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
      await eventually(async () => expect(cli.stderr).toBe('loading'))
      cli.kill('SIGTERM')
      const { code, lines } = await cli.ended
      expect(code).toBe(143)
      expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'interrupted', exitCode: 143 })
    },
  )
})

test('session settings of a file do not outlive it', async ({ database }) => {
  const role = database.role('owner')
  await database.query(`create role ${role}; grant ${role} to current_user; grant create on schema public to ${role}`)
  const run = on(
    database,
    await folder({
      '1_set.sql': `create schema other; set search_path to other; set role ${role}; set statement_timeout = 1; set session characteristics as transaction isolation level serializable; set local work_mem = '1MB'; reset role;`,
      '2_seen.sql': `create table seen as select current_user::text as who, current_setting('search_path') as path, current_setting('statement_timeout') as timeout, current_setting('transaction_isolation') as isolation;`,
      '3_steps.sql': `-- migrate:up transaction:false\nset search_path to other;\ncreate table in_other (id int);\nset role ${role};\n`,
      '4_seen.sql':
        'insert into seen select current_user, current_setting($$search_path$$), current_setting($$statement_timeout$$), current_setting($$transaction_isolation$$);',
      '5_code.mjs':
        'export const up = async ({ query }) => { await query("set search_path to other"); await query("create temp table t ()") }',
      '6_seen.sql':
        'insert into seen select current_user, current_setting($$search_path$$), current_setting($$statement_timeout$$), current_setting($$transaction_isolation$$);',
    }),
  )
  const { code, stdout } = await run('up')
  expect(code, stdout).toBe(0)
  const { rows } = await database.query('select distinct * from public.seen')
  expect(rows).toEqual([
    { who: expect.not.stringMatching(role), path: '"$user", public', timeout: '0', isolation: 'read committed' },
  ])
  expect(await relations(database)).toContain('other.in_other')
})
