// A ledger whose project has gone: the schema beside it was dropped or emptied, and what it says is true of nothing.

import { describe, expect } from 'vitest'
import { readManifest } from '../../../gate/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { gateOf } from '../gate/fixtures.ts'
import { migrate, required } from './fixtures.ts'

const files = {
  '1_users.sql': 'create table users (id int primary key);',
  '2_audit.sql':
    'create schema audit; create table audit.log (id int); create view latest as select max(id) from users;',
}

async function migrated(database: ScratchDatabase, migrations: Record<string, string> = files) {
  return migrate(database, await folder(migrations))
}

describe.for([
  ['a schema that was dropped and made again', 'drop schema public cascade; create schema public', 'public'],
  ['all of its tables dropped', 'drop table users cascade', 'public'],
  ['a schema of its own, dropped', 'drop schema audit cascade', 'audit'],
  ['both', 'drop schema public, audit cascade; create schema public', 'audit, public'],
] as const)('%s', ([, sql, gone]) => {
  test('closes every gate, is no success to any command, and is no state to build on', async ({ database }) => {
    const { run, manifestFile } = await migrated(database)
    const manifest = readManifest(manifestFile)
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    expect(await required(database, manifest)).toEqual([undefined, undefined])

    await database.query(sql)
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    expect(gate.detail).toContain(`made tables in ${gone}, and there is none of them any more`)
    const raised = `schemagate: unmigrated: no table of what is applied is left in ${gone}`
    expect(await required(database, manifest)).toEqual([raised, raised])
    for (const args of [
      ['up'],
      ['up', '--allow-ahead'],
      ['check'],
      ['plan'],
      ['repair', '--forget-missing', '1_users'],
    ])
      expect(await run(...args), args.join(' ')).toMatchObject({
        code: 6,
        said: expect.stringContaining(`tables in ${gone}`),
      })
    expect(await run('check', '--manifest', manifestFile)).toMatchObject({ code: 7 })
    expect(await run('verify')).toMatchObject({
      code: 7,
      said: expect.stringContaining(': is missing, and a migration makes it'),
    })
    const { stdout } = await run('status', '--format', 'json')
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'diverged',
      problems: [{ code: 'emptied', migration: null, message: expect.stringContaining('drop the schema schemagate') }],
    })

    await database.query(
      'drop schema schemagate cascade; drop schema if exists audit cascade; drop schema public cascade; create schema public',
    )
    expect(await run('up')).toMatchObject({ code: 0 })
    await gate.whenOpen({ timeout: 5000 })
  })
})

describe('what is no such thing', () => {
  test.for([
    ['migrations that make no table', { '1_a.sql': 'select 1;' }, 'select 1'],
    [
      'a migration that drops the last table',
      { '1_a.sql': 'create table a ();', '2_b.sql': 'drop table a;' },
      'select 1',
    ],
    ['a schema of a tenant, which no file names', { '1_a.sql': 'create table a ();' }, 'drop schema tenant cascade'],
    ['other tables, as after a restore', files, 'drop table audit.log; create table audit.other ()'],
    ['a comment of somebody else', files, `comment on table schemagate.ledger is 'ours: {"public": "x"}'`],
    ['a comment that is cut', files, `comment on table schemagate.ledger is 'schemagate: {"public": }'`],
    ['no comment', files, 'comment on table schemagate.ledger is null'],
  ] as const)('%s', async ([, migrations, sql], { database }) => {
    const { dir, run } = await migrated(database, migrations)
    await database.query('create schema tenant; create table tenant.a ()')
    await write(dir, { '9_last.sql': 'select 1;' })
    const { manifestFile } = await migrate(database, dir)
    await database.query(sql)
    for (const args of [['check'], ['up'], ['check', '--manifest', manifestFile]])
      expect(await run(...args), args.join(' ')).toMatchObject({ code: 0 })
    expect(await required(database, readManifest(manifestFile))).toEqual([undefined, undefined])
  })
})

test('an operator who knows where the tables are says so with a baseline; one of an empty database is refused', async ({
  database,
}) => {
  const { dir, run } = await migrated(database)
  await database.query('drop schema public, audit cascade; create schema public')
  expect(await run('baseline', '2_audit')).toMatchObject({ code: 8, said: expect.stringContaining('has no table') })
  expect(await run('check')).toMatchObject({ code: 6 })

  await database.query('create schema elsewhere; create table users (); alter table users set schema elsewhere')
  expect(await run('baseline', '2_audit')).toMatchObject({ code: 0 })
  expect(await run('check')).toMatchObject({ code: 0 })
  await write(dir, { '3_more.sql': 'create table elsewhere.more ();' })
  expect(await run('up')).toMatchObject({ code: 0 })
  await database.query('drop schema elsewhere cascade')
  expect(await run('check')).toMatchObject({ code: 6 })
})
