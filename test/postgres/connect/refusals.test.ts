// Servers that are there and do not let us in, or take no writes: what is said, and that the way out is one.

import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { majorVersion } from '../../helpers/schemas.ts'
import { ownServer } from '../../helpers/server.ts'

const files = { '1_a.sql': 'create table a (id int);\n' }
const password = 'sesame-open'

async function run(verb: string, url: string, dir: string) {
  const { code, stdout, stderr } = await schemagate([verb, '--dir', dir, '--connect-timeout', '400ms'], {
    env: { DATABASE_URL: url },
  })
  return { code, said: (stdout + stderr).replaceAll('\\"', '"') }
}

/** A role that may make a ledger and tables in the database. */
async function owner(database: ScratchDatabase): Promise<string> {
  const role = database.role('owner')
  await database.query(
    `create role ${role} login password '${password}'; grant create on database ${database.name} to ${role}; grant create on schema public to ${role}`,
  )
  return role
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

describe('no connection is left: 3, and which limit it is', () => {
  test("the role's and the database's", async ({ database }) => {
    const role = await owner(database)
    const dir = await folder(files)
    const url = database.urlFor(role, password)
    await database.query(`alter role ${role} connection limit 0`)
    const byRole = await run('check', url, dir)
    expect(byRole.code).toBe(3)
    expect(byRole.said).toContain(`It is running. Role "${role}" has reached its limit`)
    expect(byRole.said).toContain(`alter role "${role}" connection limit N`)
    expect(byRole.said).not.toContain('are host and port right')
    await database.query(`alter role ${role} connection limit -1; alter database ${database.name} connection limit 0`)
    const byDatabase = await run('check', url, dir)
    expect(byDatabase.code).toBe(3)
    expect(byDatabase.said).toContain(`alter database "${database.name}" connection limit N`)
  })

  test("the server's, and what it keeps for others", async () => {
    const limits = { max_connections: 3, superuser_reserved_connections: 1, max_wal_senders: 0 }
    const server = await ownServer({ settings: limits })
    await query(server.url, `create role plain login password '${password}'`)
    const dir = await folder(files)
    const plain = server.url.replace('postgres:test-password', `plain:${password}`)
    const clients: pg.Client[] = []
    onTestFinished(async () => void (await Promise.all(clients.map(client => client.end()))))
    const open = async (url: string) => {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      await client.connect()
      clients.push(client)
    }
    for (let i = 0; i < 2; i++) await open(server.url)
    const reserved = await run('check', plain, dir)
    expect(reserved.code).toBe(3)
    expect(reserved.said).toMatch(/It is running\. What is left is reserved: .*raise max_connections/)
    await open(server.url)
    const full = await run('check', server.url, dir)
    expect(full.code).toBe(3)
    expect(full.said).toContain('It is running. The server has reached max_connections')
  })
})

describe('a read-only database: 9, and the setting that makes it so', () => {
  test('of a database, a role or both, of the connection: what is said to do helps', async ({ database }) => {
    const role = await owner(database)
    const url = database.urlFor(role, password)
    const setting = 'default_transaction_read_only'
    for (const of of [
      `database "${database.name}"`,
      `role "${role}"`,
      `role "${role}" in database "${database.name}"`,
    ]) {
      const dir = await folder({ '1_a.sql': 'select 1;\n' })
      await database.query(`begin read write; alter ${of} set ${setting} = on; commit`)
      const { code, said } = await run('up', url, dir)
      expect({ of, code }).toEqual({ of, code: 9 })
      expect(said).toContain(`The database is read-only. ${setting} is on, set by \`alter ${of} set\`.`)
      const reset = new RegExp(`begin read write; alter .*? reset ${setting}; commit`).exec(said)?.[0]
      await query(database.url, reset!)
      expect(await run('up', url, dir), of).toMatchObject({ code: 0 })
      await query(database.url, 'drop schema schemagate cascade')
    }
    const dir = await folder(files)
    const byUs = await run('up', `${url}?options=-c%20${setting}%3Don`, dir)
    expect(byUs.code).toBe(9)
    expect(byUs.said).toContain('set by this connection. Take it out of DATABASE_URL (options) and PGOPTIONS.')
    expect(byUs.said).not.toContain('standby')
    // one that is asked to take writes is named with the same reason
    const wanted = await run('up', `${url}?target_session_attrs=read-write&${setting}=on`, dir)
    expect(wanted.code).toBe(3)
    expect(wanted.said).toContain(
      'a read-only primary, not read-write (target_session_attrs). default_transaction_read_',
    )
    expect(wanted.said).toContain('It is running: name a server that suits')
  })

  test('of the server, and nothing is in its way where there is nothing to do', async () => {
    const server = await ownServer()
    const dir = await folder(files)
    expect(await run('up', server.url, dir)).toMatchObject({ code: 0 })
    await query(server.url, 'alter system set default_transaction_read_only = on')
    await query(server.url, 'select pg_reload_conf()')
    expect(await run('up', server.url, dir)).toMatchObject({ code: 0 })
    const more = await folder({ ...files, '2_b.sql': 'select 1;' })
    const bySystem = await run('up', server.url, more)
    expect(bySystem.code).toBe(9)
    expect(bySystem.said).toContain(
      'set by `alter system set`. Find out why, and take it back: alter system reset default_transaction_read_only; select pg_reload_conf()',
    )
    await query(server.url, 'alter system reset default_transaction_read_only')
    await appendFile(join(server.dataDir, 'postgresql.conf'), '\ndefault_transaction_read_only = on\n')
    await query(server.url, 'select pg_reload_conf()')
    const byFile = await run('up', server.url, more)
    expect(byFile.code).toBe(9)
    expect(byFile.said).toMatch(/set in \S+\/postgresql\.conf, line \d+\. Find out why/)
  })
})

test("a pooler that takes no transaction (PgBouncer's statement mode) is told as that", async ({ database, skip }) => {
  if (!pgbouncerPath) skip(noPgbouncer)
  const pooler = await pgbouncer(database.url, { mode: 'statement' })
  const dir = await folder({ '1_code.mjs': "export const up = ({ query }) => query('create table a (id int)')\n" })
  const { code, said } = await run('up', pooler.url(database.url), dir)
  expect(code, said).toBe(9)
  expect(said).toContain('The pooler takes no transaction')
  expect(said).toContain('a direct DATABASE_URL')
})

test('a login that pg_hba.conf or a role keeps out is told what would let it in', async () => {
  const server = await ownServer()
  const dir = await folder(files)
  await query(
    server.url,
    `create role sleeper nologin password '${password}'; create role guest login password '${password}'`,
  )
  const as = (user: string) => server.url.replace('postgres:test-password', `${user}:${password}`)
  const asleep = await run('check', as('sleeper'), dir)
  expect(asleep).toMatchObject({ code: 9, said: expect.stringContaining('Let it log in: alter role "sleeper" login.') })
  const hba = join(server.dataDir, 'pg_hba.conf')
  await writeFile(hba, `host all guest 127.0.0.1/32 reject\nhostssl postgres guest all md5\n${await readFile(hba)}`)
  await query(server.url, 'select pg_reload_conf()')
  const kept = await run('check', as('guest'), dir)
  expect(kept.code).toBe(9)
  expect(kept.said).toMatch(/\(28000\): pg_hba\.conf rejects connection .*No line of pg_hba\.conf lets it in from here/)
  await writeFile(
    hba,
    `hostssl all guest 127.0.0.1/32 scram-sha-256\nhost all guest 127.0.0.1/32 reject\n${await readFile(hba)}`,
  )
  await query(server.url, 'drop role sleeper; select pg_reload_conf()')
  const plain = await run('check', `${as('guest')}?sslmode=disable`, dir)
  expect(plain.code).toBe(9)
  expect(plain.said).toContain('lets it in from here without TLS: use sslmode=require, or add one.')
  // connections to a database can be switched off
  await query(server.url, 'create database shut allow_connections false')
  const shut = await run('check', server.url.replace(/\/postgres$/, '/shut'), dir)
  expect(shut).toMatchObject({
    code: 9,
    said: expect.stringContaining('takes no connections to database "shut" (55000)'),
  })
})

test('a fault of the server, as of its disk, is told as one: 9', async () => {
  const server = await ownServer()
  await query(server.url, 'create database broken')
  const url = server.url.replace(/[^/]*$/, 'broken')
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  const { rows } = await client.query<{ oid: number }>("select oid from pg_database where datname = 'broken'")
  await client.end()
  await rm(join(server.dataDir, 'base', String(rows[0]!.oid), 'pg_filenode.map'))
  const { code, said } = await run('check', url, await folder(files))
  expect(code, said).toBe(9)
  expect(said).toMatch(/refused the connection \(58P01\): .*That is a fault of the server's own/)
})

test('an event trigger on login that lets the migrator not in is named, with the way out', async ({
  database,
  skip,
}) => {
  if ((await majorVersion(database)) < 17) skip('event triggers on login are of 17 and later')
  await database.query(`create function only_apps() returns event_trigger language plpgsql as $$ begin
      if current_setting('application_name') like 'schemagate%' then raise 'closed for maintenance'; end if; end $$;
    create event trigger only_apps on login execute function only_apps()`)
  const { code, said } = await run('up', database.url, await folder(files))
  expect(code).toBe(9)
  expect(said).toMatch(
    /refused the connection \(P0001\): closed for maintenance\. It comes from (?:public\.)?only_apps\b.* application_name/,
  )
})
