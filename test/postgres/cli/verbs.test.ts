// `down`, `plan`, `baseline`, `repair` and `manifest`, each as a process.

import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { files, on, relations } from './fixtures.ts'

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

test('what plan prints can be run, also where a file ends with a comment and no semicolon', async ({ database }) => {
  const files = { '1_a.sql': 'create table a () -- the last', '2_b.sql': 'create table b () -- and this;' }
  const run = on(database, await folder({ ...files, '3_c.sql': "create table c (x text default '--')" }))
  await database.query((await run('plan')).stdout)
  expect(await relations(database)).toEqual(['a', 'b', 'c'])
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
  for (const typed of ['2_c', '2', '2_b.sql'])
    expect(await run('repair', '--forget-missing', typed)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${typed} is not missing: nothing of that name was applied. Did you mean 2_b?`),
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
