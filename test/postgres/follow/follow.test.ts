// `follow` on the command line: what it installs, for whom, and what it says where it cannot.

import { cpSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { historyFolder, historySql, livingSchema } from '../../helpers/histories.ts'
import { folder } from '../../helpers/migrations.ts'

function run(database: Pick<ScratchDatabase, 'url'>, args: readonly string[], env: Record<string, string> = {}) {
  return schemagate([...args], { env: { DATABASE_URL: database.url, ...env } })
}

const goose = ['--follow', 'goose', '--dir', historyFolder('goose')]

test('follow, check, wait and status exit alike: 0, 7 and 6', async ({ database }) => {
  const all = async (args: readonly string[]) =>
    Promise.all(
      [['check'], ['wait', '--timeout', '0'], ['status', '--exit-code'], ['follow']].map(
        async ([verb, ...more]) => (await run(database, [verb!, ...more, ...args])).code,
      ),
    )
  await database.query(`${historySql('goose')}delete from goose_db_version where version_id > 2`)
  expect(await all(goose)).toEqual([7, 7, 7, 7])
  await database.query('insert into goose_db_version (version_id, is_applied) values (3, true), (4, true)')
  expect(await all(goose)).toEqual([0, 0, 0, 0])
  await database.query('insert into goose_db_version (version_id, is_applied) values (5, true)')
  expect(await all(goose)).toEqual([6, 6, 6, 6])
  await database.query('delete from goose_db_version where version_id = 4')
  expect(await all(goose)).toEqual([6, 6, 6, 6])
})

test('status tells the history as it tells the ledger', async ({ database }) => {
  await database.query(
    `${historySql('prisma')}update _prisma_migrations set finished_at = null where migration_name like '20240104%'`,
  )
  const { stdout } = await run(database, [
    'status',
    '--follow',
    'prisma',
    '--dir',
    historyFolder('prisma'),
    '--format',
    'json',
  ])
  expect(JSON.parse(stdout)).toMatchObject({
    state: 'pending',
    head: '20240103000000_comments',
    applied: [{ name: '20240101000000_accounts', kind: 'followed' }, {}, {}],
    pending: [{ name: '20240104000000_tags' }],
    problems: [{ code: 'interrupted', migration: '20240104000000_tags' }],
    follow: { tool: 'prisma', history: 'public._prisma_migrations' },
  })
  const asOfTheLedger = ['database', 'state', 'head', 'applied', 'pending', 'tables', 'problems']
  expect(Object.keys(JSON.parse(stdout))).toEqual([...asOfTheLedger, 'follow'])
})

test('status has the times of a history in UTC, also where its column has no zone', async ({ database }) => {
  await database.query(`${historySql('goose')}update goose_db_version set tstamp = '2026-03-01 09:00:00.5'`)
  await database.query("update goose_db_version set tstamp = 'infinity' where version_id = 2")
  const { stdout } = await run(database, ['status', ...goose, '--format', 'json'])
  const times = JSON.parse(stdout).applied.map(({ appliedAt }: { appliedAt: string }) => appliedAt)
  expect(times).toEqual(['2026-03-01T09:00:00.500Z', null, '2026-03-01T09:00:00.500Z', '2026-03-01T09:00:00.500Z'])
})

test('it makes the app’s role, which reads the history and changes nothing of it, once all is applied', async ({
  database,
}) => {
  const role = database.role('app')
  await database.query(livingSchema)
  await database.query(historySql('goose'))
  await database.query('delete from goose_db_version where version_id = 4')
  const args = ['follow', ...goose, '--app-role', role]
  const env = { SCHEMAGATE_APP_PASSWORD: 'app-password-1' }
  expect((await run(database, args, env)).code).toBe(7)
  const login = () => database.connect({ user: role, password: 'app-password-1' })
  await expect(login()).rejects.toMatchObject({ code: expect.stringMatching(/^28/) })
  await database.query('insert into goose_db_version (version_id, is_applied) values (4, true)')
  expect((await run(database, args, env)).code).toBe(0)
  const app = await login()
  expect((await app.query(`select schemagate.require('00004_tags') as open`)).rows).toEqual([{ open: true }])
  await app.query('insert into accounts (name) values (1)')
  for (const wrong of [
    'delete from goose_db_version',
    `update schemagate.schemagate_followed set head = 'x'`,
    'truncate goose_db_version',
  ])
    await expect(app.query(wrong)).rejects.toMatchObject({ code: '42501' })
  // the gate of that role
  expect((await run({ url: database.urlFor(role, 'app-password-1') }, ['check', ...goose])).code).toBe(0)
  await database.query('delete from goose_db_version where version_id = 4')
  await expect(app.query(`select schemagate.require('00004_tags')`)).rejects.toMatchObject({
    code: 'SG007',
    message: 'schemagate: behind: the database lacks 00004_tags',
  })
})

test('a table that could be the tool’s, though it is told as another’s, is offered by its name', async ({
  database,
}) => {
  // as Rails leaves it with use_metadata_table = false
  await database.query(`${historySql('rails')} drop table ar_internal_metadata`)
  const names = ['1_accounts', '2_posts', '3_comments', '4_tags'].map(
    name => `2024010${name.replace('_', '000000_')}.rb`,
  )
  const dir = await folder(Object.fromEntries(names.map(name => [name, ''])))
  const rails = ['follow', '--follow', 'rails', '--dir', dir]
  const refused = await run(database, rails)
  expect(refused.code).toBe(2)
  const option = '--history public.schema_migrations'
  expect(refused.stderr).toContain(
    `What it has: dbmate's public.schema_migrations. If that one is of Rails: ${option}.`,
  )
  expect((await run(database, [...rails, ...option.split(' ')])).code).toBe(0)
})

test('a table under a name of the project’s own is offered where it has the tool’s columns', async ({ database }) => {
  await database.query(`${historySql('dbmate')} create schema ops; create table ops.history ();
    alter table schema_migrations rename to applied_migrations; alter table applied_migrations set schema ops`)
  const dir = historyFolder('dbmate')
  const option = '--history ops.applied_migrations'
  for (const args of [
    ['follow', '--follow', 'dbmate', '--dir', dir],
    ['adopt', '--from', 'dbmate', '--dir', dir, '--dry-run'],
  ]) {
    const { code, stderr } = await run(database, args)
    const offer = `ops.applied_migrations has its columns: if that is it, ${option}.`
    expect([code, stderr]).toEqual([2, expect.stringContaining(offer)])
    expect((await run(database, [...args, ...option.split(' ')])).code).toBe(0)
  }
  const untold = await run(database, ['adopt', ...option.split(' '), '--dir', dir])
  expect(untold.stderr).toMatch(/unless --from TOOL says whose \(dbmate or .*rails, by its columns\)/)
  const noColumn = await run(database, ['check', '--follow', 'dbmate', '--dir', dir, '--history', 'ops.history'])
  expect([noColumn.code, noColumn.stderr]).toEqual([2, expect.stringContaining('ops.history is no history of dbmate')])
  await database.query('create table ops.old_migrations (like ops.applied_migrations)')
  const two = await run(database, ['follow', '--follow', 'dbmate', '--dir', dir])
  expect(two.stderr).toContain(
    'ops.applied_migrations, ops.old_migrations have its columns: if one of them is it, --history SCHEMA.TABLE.',
  )
})

test('a schema that follows the same table as that of another tool says so', async ({ database }) => {
  await database.query(historySql('dbmate'))
  const follow = (tool: string, names: readonly string[]) =>
    folder(Object.fromEntries(names.map(name => [name, '-- migrate:up\nselect 1;']))).then(dir =>
      run(database, ['follow', '--follow', tool, '--history', 'public.schema_migrations', '--dir', dir]),
    )
  expect((await follow('dbmate', ['20240101000000_accounts.sql'])).stderr).not.toContain('follows')
  const { code, stderr } = await follow('rails', ['20240101000000_accounts.rb'])
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining(
      'follows public.schema_migrations as the history of dbmate, and not public.schema_migrations as that of rails',
    ),
  ])
})

// as TypeORM runs them: it knows a migration by the name alone
test('a class of TypeORM’s with the time of another, or under another name, is not applied by that', async ({
  database,
}) => {
  await database.query(historySql('typeorm'))
  const migration = (name: string) => `class ${name} { up() {} down() {} }`
  const applied = ['Accounts1704067200000', 'Posts1704067201000', 'Comments1704067202000', 'Tags1704067203000']
  const ask = async (names: readonly string[]) => {
    const dir = await folder({ 'all.js': names.map(migration).join('\n') })
    const { code, stderr } = await run(database, ['follow', '--follow', 'typeorm', '--dir', dir])
    return { code, stderr }
  }
  expect(await ask(applied)).toMatchObject({ code: 0 })
  expect(await ask([...applied, 'More1704067203000'])).toMatchObject({
    code: 7,
    stderr: expect.stringContaining('lacks More1704067203000'),
  })
  expect(await ask(['Renamed1704067200000', ...applied.slice(1)])).toMatchObject({ code: 7 })
  await database.query(`insert into migrations (timestamp, name) values (1704067203000, 'More1704067203000')`)
  expect(await ask([...applied, 'More1704067203000'])).toMatchObject({ code: 0 })
  await database.query(`select schemagate.require('More1704067203000')`)
})

describe('bad input', () => {
  test('an unknown tool is answered with the nearest, and no tool with the option', async ({ database }) => {
    const unknown = await run(database, ['follow', '--follow', 'gose', '--dir', '.'])
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('Did you mean goose?')
    const none = await run(database, ['follow', '--dir', '.'])
    expect(none.code).toBe(2)
    expect(none.stderr).toContain('--follow TOOL')
  })

  test('no such table: what was looked for, and what is there', async ({ database }) => {
    await database.query(historySql('knex'))
    const { code, stderr } = await run(database, ['follow', ...goose])
    expect(code).toBe(2)
    expect(stderr).toContain(
      'no history of goose (a table goose_db_version; if it has another name: --history SCHEMA.TABLE)',
    )
    expect(stderr).toContain("Knex's public.knex_migrations")
    // before the first migration there is none: that is worth waiting for
    const check = await run(database, ['check', ...goose])
    expect(check.code).toBe(7)
    expect(check.stderr).toContain('--history SCHEMA.TABLE')
    const named = await run(database, ['follow', ...goose, '--history', 'ops.versions'])
    expect(named.code).toBe(2)
    expect(named.stderr).toContain('There is no table ops.versions')
    const bare = await run(database, ['follow', ...goose, '--history', 'knex_migrations'])
    expect(bare.stderr).toContain(
      'There is no table knex_migrations: --history takes SCHEMA.TABLE, without quotes. Did you mean public.knex_migrations?',
    )
  })

  test('a table that is written in another way, and a view', async ({ database }) => {
    await database.query(`${historySql('goose')}create view versions as select * from goose_db_version`)
    const named = (verb: string, history: string) =>
      run(database, [verb, ...(verb === 'adopt' ? goose.slice(2) : goose), '--history', history])
    for (const verb of ['follow', 'adopt'])
      for (const history of ['"public"."goose_db_version"', 'public.Goose_DB_version']) {
        const { code, stderr } = await named(verb, history)
        expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean public.goose_db_version?')])
      }
    for (const verb of ['follow', 'check', 'adopt']) {
      const { code, stderr } = await named(verb, 'public.versions')
      expect([code, stderr]).toEqual([2, expect.stringContaining('public.versions is a view, and not the table')])
    }
  })

  test('a table with other columns, and two tables', async ({ database }) => {
    await database.query(
      `${historySql('knex')}create schema ops; ${historySql('goose')}${historySql('goose').replaceAll('public.', 'ops.')}`,
    )
    const other = await run(database, ['check', ...goose, '--history', 'public.knex_migrations'])
    expect(other.code).toBe(2)
    expect(other.stderr).toContain('is no history of goose, which has the columns id, version_id, is_applied')
    const two = await run(database, ['follow', ...goose])
    expect(two.code).toBe(2)
    expect(two.stderr).toContain('more than one history of goose: ')
    expect((await run(database, ['follow', ...goose, '--history', 'ops.goose_db_version'])).code).toBe(0)
    const moved = await run(database, ['follow', ...goose, '--history', 'public.goose_db_version'])
    expect(moved.code).toBe(2)
    expect(moved.stderr).toContain('follows ops.goose_db_version')
  })

  test('a history that may not be read: which grant', async ({ database }) => {
    const role = database.role('reader')
    await database.query(
      `${historySql('goose')}create role ${role} login password 'x'; grant create on database ${database.name} to ${role}; revoke all on schema public from public`,
    )
    const { code, stderr } = await run({ url: database.urlFor(role, 'x') }, ['follow', ...goose])
    expect(code).toBe(9)
    expect(stderr).toContain('grant select on \\"public\\".\\"goose_db_version\\" to ROLE')
  })

  test('a database that schemagate migrates', async ({ database }) => {
    const dir = await folder({ '1_users.sql': 'create table users (id int);\n' })
    expect((await run(database, ['up', '--dir', dir])).code).toBe(0)
    await database.query(historySql('goose'))
    const { code, stderr } = await run(database, ['follow', ...goose])
    expect(code).toBe(6)
    expect(stderr).toContain('has a ledger with 1 migration')
  })
})

test('a role that only reads the history follows it without a trigger', async ({ database }) => {
  const role = database.role('reader')
  await database.query(
    `${historySql('goose')}create role ${role} login password 'x'; grant create on database ${database.name} to ${role}; grant select on goose_db_version to ${role}`,
  )
  const { code, stderr, stdout } = await run({ url: database.urlFor(role, 'x') }, [
    'follow',
    ...goose,
    '--format',
    'json',
  ])
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { state: 'current', notifies: false }])
  expect(stderr).toContain('may not put a trigger on it')
})

test('the second run changes nothing, and the tool’s own statements never fail for what is installed', async ({
  database,
}) => {
  await database.query(historySql('golang-migrate'))
  const args = ['follow', '--follow', 'golang-migrate', '--dir', historyFolder('golang-migrate')]
  expect((await run(database, args)).code).toBe(0)
  const runs = async () => (await database.query('select run_id from schemagate.runs')).rows.length
  const before = await runs()
  expect((await run(database, args)).code).toBe(0)
  expect(await runs()).toBe(before)
  const other = database.role('tool')
  await database.query(`create role ${other}; grant all on schema_migrations to ${other}`)
  // a role without a right on the schema, with a search path of its own, whose functions are not to be called
  await database.query(
    `create schema trap; create function trap.pg_notify(text, text) returns void language sql as 'select 1/0'; grant usage on schema trap to ${other}`,
  )
  const client = await database.connect()
  await client.query(`set role ${other}; set search_path = trap, public, pg_catalog`)
  await client.query('begin; truncate schema_migrations; insert into schema_migrations values (5, false); commit')
  await client.query('reset role; set search_path = public; drop schema schemagate cascade')
  await client.query('update schema_migrations set version = 4')
  expect((await run(database, args)).code).toBe(0)
  // nothing depends on the table
  await client.query(`alter table schema_migrations alter version type numeric; drop table schema_migrations`)
  await expect(client.query(`select schemagate.require('000004_tags')`)).rejects.toMatchObject({
    code: 'SG007',
    message: 'schemagate: unmigrated: public.schema_migrations is gone, the history of golang-migrate',
  })
})

test('a build is published as the newest, also once the clock was set back', async ({ database }) => {
  await database.query(historySql('goose'))
  const next = await folder({ '00005_labels.sql': '-- +goose Up\ncreate table labels (id int);\n' })
  cpSync(historyFolder('goose'), next, { recursive: true })
  const follow = async (dir: string) => {
    expect((await run(database, ['follow', '--follow', 'goose', '--dir', dir])).code).toBe(0)
    return (await database.query('select head, run_id from schemagate.schemagate_followed order by published_at')).rows
  }
  await follow(historyFolder('goose'))
  await database.query("update schemagate.schemagate_followed set published_at = published_at + interval '1 hour'")
  await database.query('insert into goose_db_version (version_id, is_applied) values (5, true)')
  const published = await follow(next)
  expect(published.map(({ head }) => head)).toEqual(['00004_tags', '00005_labels'])
  expect(await follow(next)).toEqual(published)
})
