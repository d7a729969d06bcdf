// Tables that were restored beside a ledger that went on: of an older state they are not what it says, of the same they are.

import { describe, expect } from 'vitest'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { gateOf } from '../gate/fixtures.ts'
import { migrate, required } from './fixtures.ts'

const users = 'create table users (id int primary key, name text)'
const tickets = 'create table tickets (id int primary key, "user" int references users)'
const files = {
  '1_users.sql': `create table orgs (); ${users}; ${tickets};`,
  '2_email.sql': 'alter table users add column email text unique;',
}

/** What `pg_dump --schema public --clean` writes of the state after the first migration, and of the one after both. */
const older = `drop table if exists tickets, users, orgs; create table orgs (); ${users}; ${tickets};`
const same = `${older} alter table users add column email text unique;`

async function migrated(database: ScratchDatabase, migrations: Record<string, string> = files) {
  return migrate(database, await folder(migrations))
}

test.for([
  ['an older backup', older],
  ['one whose column is of another type', same.replace('add column email text', 'add column email varchar(80)')],
  ['one that lacks a constraint', same.replace(' unique', '')],
  ['one that lacks a table', `${same} drop table tickets;`],
] as const)(
  '%s closes every gate, is no success to any command, and no state to build on',
  async ([, sql], { database }) => {
    const { run, manifestFile, manifest } = await migrated(database)
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    expect(await required(database, manifest)).toEqual([undefined, undefined])

    await database.query(`begin; ${sql} commit`)
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    expect(gate.detail).toContain('made tables in public, and there is none of them any more')
    const fresh = gateOf({ url: database.url, manifest })
    await eventually(() => expect(fresh.state).toBe('unmigrated'))
    const raised = 'schemagate: unmigrated: no table of what is applied is left in public'
    expect(await required(database, manifest)).toEqual([raised, raised])
    for (const args of [['up'], ['check'], ['plan']])
      expect(await run(...args), args.join(' ')).toMatchObject({
        code: 6,
        said: expect.stringContaining('schemagate baseline 2_email'),
      })
    expect(await run('check', '--manifest', manifestFile)).toMatchObject({ code: 7 })
    expect(await run('verify')).toMatchObject({ code: 7 })

    // put right by hand, it is what the files say
    await database.query(`begin; ${same} commit`)
    await gate.whenOpen({ timeout: 5000 })
    expect(await run('up')).toMatchObject({ code: 0 })
  },
)

test('the same state, restored, is as good: no gate stays closed, and the next run goes on with it', async ({
  database,
}) => {
  const { dir, run, manifest } = await migrated(database)
  const gate = gateOf({ url: database.url, manifest })
  await gate.whenOpen({ timeout: 5000 })
  await database.query(`begin; ${same} create table by_hand (); commit`)
  expect(await gate.check()).toMatchObject({ state: 'open' })
  // which is told from the next restore already
  await database.query(`begin; ${older} commit`)
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  await database.query(`begin; ${same} commit`)
  await gate.whenOpen({ timeout: 5000 })
  expect(await required(database, manifest)).toEqual([undefined, undefined])
  for (const command of ['check', 'up', 'check']) expect(await run(command)).toMatchObject({ code: 0 })
  // what is there now was noted: it is told from the next one
  await database.query(`begin; ${older} commit`)
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  await database.query(`begin; ${same} commit`)
  await write(dir, { '3_more.sql': 'create table more ();' })
  expect(await run('up')).toMatchObject({ code: 0 })
  await gate.whenOpen({ timeout: 5000 })
})

test('an operator who knows better says so with a baseline', async ({ database }) => {
  const { run, manifest } = await migrated(database)
  await database.query(`begin; ${older} commit`)
  expect(await run('up')).toMatchObject({ code: 6 })
  await database.query('alter table users add column email text')
  expect(await run('up')).toMatchObject({ code: 6 })
  expect(await run('baseline', '2_email')).toMatchObject({ code: 0 })
  for (const command of ['check', 'up']) expect(await run(command)).toMatchObject({ code: 0 })
  expect(await required(database, manifest)).toEqual([undefined, undefined])
})

describe('what is no such thing', () => {
  test.for([
    [
      'a table that was swapped by hand',
      'create table later (id int); drop table tickets; alter table later rename to tickets',
    ],
    [
      'tables that were moved into another schema',
      'create schema other; alter table users set schema other; alter table tickets set schema other; create table users ()',
    ],
    ['a rewritten table', 'vacuum full users'],
    [
      'what was published by a release that notes nothing',
      "update schemagate.manifest set manifest = manifest - 'tables'; drop table tickets, users, orgs; create table users (); create table orgs ()",
    ],
    [
      'a note that came with its ledger, out of a dump',
      `update schemagate.manifest set manifest = jsonb_set(manifest, '{tables,ledger}', '1'); ${older}`,
    ],
  ] as const)('%s', async ([, sql], { database }) => {
    const { run, manifest } = await migrated(database)
    await database.query(sql)
    expect(await required(database, manifest)).toEqual([undefined, undefined])
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    for (const command of ['check', 'up', 'check']) expect(await run(command), sql).toMatchObject({ code: 0 })
  })

  test('tables that something else makes again each night, beside those of migrations', async ({ database }) => {
    const { dir, run, manifest } = await migrated(database)
    await database.query('create table model_a (); create table model_b (); create table model_c ()')
    await write(dir, { '3_more.sql': 'select 1;' })
    expect(await run('up')).toMatchObject({ code: 0 })
    await database.query('drop table model_a, model_b, model_c; create table model_a (x int); create table model_b ()')
    expect(await required(database, manifest)).toEqual([undefined, undefined])
    for (const command of ['check', 'up']) expect(await run(command)).toMatchObject({ code: 0 })
  })

  test('one table alone, which a migration or a hand may swap', async ({ database }) => {
    const { run } = await migrated(database, { '1_users.sql': `${users};` })
    await database.query('drop table users; create table users (id int)')
    expect(await run('check')).toMatchObject({ code: 0 })
  })

  test('all tables made again by a migration, whose run is killed before it has published', async ({ database }) => {
    const { dir, run } = await migrated(database)
    await write(dir, { '3_again.sql': older })
    expect(await run('up')).toMatchObject({ code: 0 })
    // as that run would have left it
    await database.query(
      `update schemagate.manifest set published_at = '2000-01-01', manifest = jsonb_set(jsonb_set(manifest, '{migrations}', (manifest->'migrations') - 2), '{tables,schemas,public}', '{"oldest": "{1}", "tables": {"users": [1, "x"], "tickets": [2, "x"]}}')`,
    )
    expect(await run('up')).toMatchObject({ code: 0 })
    expect(await run('check')).toMatchObject({ code: 0 })
  })
})
