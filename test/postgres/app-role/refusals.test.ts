// What the app's role is refused for, before anything is changed.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished } from 'vitest'
import { DeniedError, RefusedError, UsageError } from '../../../migrator/errors.ts'
import { root } from '../../../scripts/lib/root.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { ownServer } from '../../helpers/server.ts'
import { attempt, DENIED, ensure, migrated, owned, password, schema, works } from './owned-database.ts'

describe('refusals', () => {
  test('names that cannot be the app’s are refused before anything is asked', async ({ database }) => {
    const client = await database.connect()
    for (const role of [
      '',
      'pg_mine',
      'public',
      'PUBLIC',
      'none',
      'current_user',
      'a\0b',
      'x'.repeat(64),
      'é'.repeat(32),
    ]) {
      await expect(ensure(client, { role, password, schema })).rejects.toThrow(UsageError)
    }
    for (const bad of ['', 'a\0b', '\u0340', 'ﬁ\u{1f3ab}']) {
      await expect(ensure(client, { role: 'app', password: bad, schema })).rejects.toThrow(UsageError)
    }
  })

  test('the owner cannot be the app', async ({ database }) => {
    const { owner, client } = await owned(database)
    const error = await ensure(client, { role: owner, password, schema }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(UsageError)
    await expect(works(client, { role: owner, password, schema })).rejects.toThrow(UsageError)
    expect(client.getTransactionStatus()).toBe('I')
  })

  test('a role with more power than an app should have is refused, and told why', async ({ database }) => {
    const { owner, client } = await owned(database)
    const refused = async (role: string) => {
      const error = await ensure(client, { role, password, schema }).catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(RefusedError)
      return String(error)
    }
    const role = database.role('app')
    await database.query(`create role ${role} login superuser`)
    expect(await refused(role)).toContain('it is a superuser')
    await database.query(`alter role ${role} nosuperuser`)
    for (const group of [owner, 'pg_write_all_data', database.role('middle')]) {
      if (group === database.role('middle')) await database.query(`create role ${group}; grant ${owner} to ${group}`)
      await database.query(`grant ${group} to ${role}`)
      expect(await refused(role)).toContain(`revoke "${group}" from "${role}"`)
      await database.query(`revoke ${group} from ${role}`)
    }
    await database.query(`create table owned_by_app (id int); alter table owned_by_app owner to ${role}`)
    expect(await refused(role)).toContain('it owns table public.owned_by_app')
    await database.query('drop table owned_by_app')
    // A group that gives nothing dangerous is left alone.
    await database.query(`grant pg_monitor to ${role}; alter role ${role} password null`)
    await database.query(`grant ${role} to ${owner} with admin option`)
    await migrated(client)
    await ensure(client, { role, password, schema })
    await database.query(`revoke pg_monitor from ${role}`)
  })

  test('an owner who may not make roles is told what it needs', async ({ database }) => {
    const { client } = await owned(database, 'nocreaterole')
    await migrated(client)
    const role = database.role('app')
    const error = await ensure(client, { role, password, schema }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(DeniedError)
    expect(String(error)).toContain('CREATEROLE')
    expect(String(error)).not.toContain(password)
    expect(client.getTransactionStatus()).toBe('I')
  })

  test('what the documentation grants by hand is enough for a gate, and for tables that come later', async ({
    database,
  }) => {
    const [owner, app] = [database.role('owner'), database.role('app')]
    await database.query(
      `create role ${owner} login password 'x'; alter database ${database.name} owner to ${owner}; create role ${app} login password '${password}'`,
    )
    const dir = await folder({ '1_a.sql': 'create table a (id serial)' })
    const env = { DATABASE_URL: database.urlFor(owner, 'x'), SCHEMAGATE_DIR: dir }
    expect((await schemagate(['up'], { env })).code).toBe(0)
    const page = await readFile(join(root, 'docs/app-role.md'), 'utf8')
    const [, grants = ''] = /```sql\n(.*?)```/s.exec(page) ?? []
    const asOwner = await database.connect({ user: owner, password: 'x' })
    await asOwner.query(grants.replaceAll(' to app;', ` to ${app};`))
    await write(dir, { '2_b.sql': 'create table b (id serial)' })
    expect((await schemagate(['up'], { env })).code).toBe(0)
    const asApp = { DATABASE_URL: database.urlFor(app, password), SCHEMAGATE_DIR: dir }
    expect((await schemagate(['check'], { env: asApp })).code).toBe(0)
    const client = await database.connect({ user: app, password })
    expect(await attempt(client, 'insert into a default values; insert into b default values')).toBe('done')
    expect(await attempt(client, 'select * from schemagate.runs')).toBe(DENIED)
  })

  test('what belongs to others is left out and told, what belongs to extensions is left alone', async ({
    database,
  }) => {
    const { client } = await owned(database)
    await database.query('create extension citext; create table foreigners (id int); create schema theirs')
    await migrated(client)
    const role = database.role('app')
    const report = await ensure(client, { role, password, schema })
    expect(report.notes).toHaveLength(1)
    expect(report.notes[0]).toContain('schema theirs, table public.foreigners. Their owners can grant it.')
    expect(await works(client, { role, password, schema })).toBe(true)
    const as = await database.connect({ user: role, password })
    expect(await attempt(as, 'select * from foreigners')).toBe(DENIED)
    expect(await attempt(as, `select 'a'::citext = 'A'`)).toBe('done')
  })

  test('a public schema where everybody may create, as databases from before version 15 have it, is closed', async ({
    database,
  }) => {
    const { client } = await owned(database)
    await migrated(client)
    await database.query('grant create on schema public to public')
    const role = database.role('app')
    await ensure(client, { role, password, schema })
    const as = await database.connect({ user: role, password })
    expect(await attempt(as, 'create table t (id int)')).toBe(DENIED)
  })

  test('two migrators that make the same role at once both succeed', async ({ database }) => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => database.connect()))
    await migrated(clients[0]!)
    const role = database.role('app')
    const reports = await Promise.all(clients.map(client => ensure(client, { role, password, schema })))
    expect(reports.filter(({ created }) => created)).toHaveLength(1)
    await (await database.connect({ user: role, password })).query('select * from users')
  })
})

test('where the server lets anybody in, a login proves nothing, and the password is set again', async () => {
  const server = await ownServer({ user: 'postgres' })
  const superuser = new pg.Client(server.url)
  await superuser.connect()
  onTestFinished(() => superuser.end())
  await superuser.query(`create role owner login createrole password 'owner-password'`)
  await superuser.query('create database d owner owner')
  const hba = join(server.dataDir, 'pg_hba.conf')
  await writeFile(hba, 'host all all all trust')
  await superuser.query('select pg_reload_conf()')
  const login = { host: server.host, port: server.port, user: 'owner', database: 'd' }
  const client = await eventually(async () => {
    // A client can be connected once only.
    const attempt = new pg.Client(login)
    await attempt.connect()
    return attempt
  })
  onTestFinished(() => client.end())
  await migrated(client)
  const app = { role: 'app', password, schema }
  await ensure(client, app)
  expect(await works(client, { ...app, password: 'another' })).toBe(false)
  expect(await works(client, app)).toBe(false)
  await ensure(client, { ...app, password: 'another' })
  await writeFile(hba, 'host all all all scram-sha-256')
  await superuser.query('select pg_reload_conf()')
  await eventually(async () => expect(await works(client, app)).toBe(false))
  await eventually(async () => expect(await works(client, { ...app, password: 'another' })).toBe(true))
})
