// Guarded pools of the libraries that apps use, the real ones: closed, open, and closing in the middle of a query.

import { EventEmitter, once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, createServer, connect as dial, Socket } from 'node:net'
import { join } from 'node:path'
import { finished, pipeline } from 'node:stream/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import knex from 'knex'
import pg from 'pg'
import postgres from 'postgres'
import { Sequelize } from 'sequelize'
import { DataSource } from 'typeorm'
import { expect, onTestFinished } from 'vitest'
import { poolConfig, readConnection } from '../../../gate/connection.ts'
import type { Gate } from '../../../gate/gate.ts'
import { guardKnex } from '../../../gate/pools/knex.ts'
import { guardDriver, guardPool } from '../../../gate/pools/pg.ts'
import { guardPostgres } from '../../../gate/pools/postgres-js.ts'
import { guardSequelize } from '../../../gate/pools/sequelize.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { startProcess } from '../../helpers/process.ts'
import { gateOf, ledgerOf, manifest } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

/** Sends a statement. */
type Query = (sql: string) => Promise<unknown>

/** Makes a pool of the library's, guarded; the test ends it. */
const libraries: Record<string, (gate: Gate, url: string) => Promise<Query> | Query> = {
  pg: (gate, url) => {
    const pool = guardPool(gate, new pg.Pool({ connectionString: url, max: 2 }))
    onTestFinished(() => pool.end())
    return sql => pool.query(sql)
  },
  'pg over sockets of its own': (gate, url) => {
    const { hostname, port } = new URL(url)
    const stream = () => {
      const socket = new Socket()
      const { connect } = socket
      socket.connect = () => Reflect.apply(connect, socket, [Number(port), hostname])
      return socket
    }
    const pool = guardPool(gate, new pg.Pool({ ...parts(url), user: parts(url).username, port: 1, stream, max: 2 }))
    onTestFinished(() => pool.end())
    return sql => pool.query(sql)
  },
  Knex: (gate, url) => {
    const db = guardKnex(gate, knex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } }))
    onTestFinished(() => db.destroy())
    return sql => db.raw(sql)
  },
  Sequelize: (gate, url) => {
    const db = guardSequelize(gate, new Sequelize(url, { logging: false, pool: { max: 2 } }))
    onTestFinished(() => db.close())
    return sql => db.query(sql)
  },
  TypeORM: (gate, url) => {
    const db = new DataSource({ type: 'postgres', url, driver: guardDriver(gate, pg), extra: { max: 2 } })
    onTestFinished(async () => {
      if (db.isInitialized) await db.destroy()
    })
    return async sql => {
      if (!db.isInitialized) await db.initialize()
      return db.query(sql)
    }
  },
  'Drizzle on pg': (gate, url) => {
    const pool = guardPool(gate, new pg.Pool({ connectionString: url, max: 2 }))
    onTestFinished(() => pool.end())
    const db = drizzle(pool)
    return sql => db.execute(drizzleSql.raw(sql))
  },
  "Prisma's driver for pg": async (gate, url) => {
    const pool = guardPool(gate, new pg.Pool({ connectionString: url, max: 2 }))
    onTestFinished(() => pool.end())
    const adapter = await new PrismaPg(pool).connect()
    return sql => adapter.queryRaw({ sql, args: [], argTypes: [] })
  },
  'postgres.js': (gate, url) => {
    const db = guardPostgres(gate, postgres(url, { max: 2, onnotice: () => {} }))
    onTestFinished(() => db.end({ timeout: 1 }))
    return async sql => db.unsafe(sql)
  },
}

const outcome = (work: Promise<unknown>) =>
  work.then(() => 'done').catch((error: unknown) => messages(error).join(': ') || 'failed')

/** An error's message and those of its causes: a library puts the gate's error into one of its own. */
function messages(error: unknown): string[] {
  if (!(error instanceof Error)) return [JSON.stringify(error)]
  const { cause = 'parent' in error ? error.parent : undefined } = error
  return [`${error.name} ${error.message}`, ...(cause === undefined ? [] : messages(cause))]
}

for (const [name, connect] of Object.entries(libraries)) {
  test(`${name}: no query behind a closed gate, and none goes on when the ledger is taken away`, async ({
    database,
  }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    const query = await connect(gate, database.url)
    expect(await outcome(query('select 1'))).toMatch(/run the migrator/)

    await ledger.applyQuietly('0001_users', '0002_tickets')
    await gate.whenOpen({ timeout: 5000 })
    for (let i = 0; i < 5; i++) expect(await outcome(query('select 1'))).toBe('done')
    // in the middle of a query: the restore waits for it, it is cancelled, and the restore goes on
    gate.enter()
    const asked = performance.now()
    const running = outcome(query('select pg_sleep(30)'))
    await eventually(async () => expect((await sleeping(database)).length).toBe(1))
    await ledger.drop()
    expect(await running).not.toBe('done')
    expect(performance.now() - asked).toBeLessThan(15_000)
    expect(await sleeping(database)).toEqual([])
    gate.leave()
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    expect(await outcome(query('select 1'))).toMatch(/run the migrator/)

    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await gate.whenOpen({ timeout: 5000 })
    await eventually(async () => expect(await outcome(query('select 1'))).toBe('done'))
  })
}

async function sleeping(database: ScratchDatabase): Promise<unknown[]> {
  const sql = `select pid from pg_stat_activity where datname = current_database() and state = 'active'
    and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()`
  return (await database.query(sql)).rows
}

for (const [name, connect] of Object.entries(libraries)) {
  test(`${name}: a timer's query finds the connections ended once the database does not match`, async ({
    database,
  }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
    await gate.whenOpen({ timeout: 5000 })
    const query = await connect(gate, database.url)
    expect(await outcome(query('select 1'))).toBe('done')

    // a request that is inside goes on with its connections until it leaves, and so does everything else
    gate.enter()
    await ledger.apply({ name: '0003_breaking', breaking: true })
    await eventually(() => expect(gate.state).toBe('too-old'))
    if (name !== 'postgres.js') expect(await outcome(query('select 1'))).toBe('done')
    gate.leave()
    await eventually(async () => expect(await outcome(query('select 1'))).toMatch(/this app is too old/))

    await database.query("delete from schemagate.ledger where name in ('0002_tickets', '0003_breaking')")
    await eventually(() => expect(gate.state).toBe('behind'))
    await ledger.apply('0002_tickets')
    await gate.whenOpen({ timeout: 5000 })
    await eventually(async () => expect(await outcome(query('select 1'))).toBe('done'))
    await database.query("delete from schemagate.ledger where name = '0002_tickets'")
    await eventually(async () => expect(await outcome(query('select 1'))).toMatch(/lacks 0002_tickets/))
  })
}

test("a timer's query that waits for a restore writes nothing after it, whatever the app has to drain", async ({
  database,
}) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  await database.query('create table notes (id int)')
  const drain = () => new Promise<void>(() => {})
  const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100, drain })
  await gate.whenOpen({ timeout: 5000 })
  const query = await libraries.pg!(gate, database.url)
  const restore = await database.connect()
  await restore.query('begin; lock table notes in access exclusive mode')
  const written = outcome(query('insert into notes values (1)'))
  await eventually(async () =>
    expect((await database.query("select from pg_stat_activity where wait_event_type = 'Lock'")).rows).toHaveLength(1),
  )
  await restore.query('drop schema schemagate cascade')
  await restore.query('commit')
  expect(await written).not.toBe('done')
  expect((await database.query('select from notes')).rows).toEqual([])
})

test('a transaction of postgres.js is refused once the gate has closed in its middle', async ({ database }) => {
  const { ledger, gate, sql } = await openWithNotes(database)
  const text = 'a fragment'
  await sql`insert into notes ${sql({ text })}`
  const transaction = sql.begin(async inner => {
    await inner`insert into notes values ('half')`
    await ledger.drop()
    await eventually(() => expect(gate.isOpen).toBe(false))
    await inner`insert into notes values ('other half')`
  })
  await expect(transaction).rejects.toThrow('The gate is closed')
  expect((await database.query('select text from notes')).rows).toEqual([{ text }])
})

test('a gate keeps nothing of the pools that it has guarded', async ({ database }) => {
  const gate = gateOf({ url: database.url, manifest: app })
  for (let i = 0; i < 3; i++) {
    await guardPool(gate, new pg.Pool({ connectionString: database.url })).end()
    guardPostgres(gate, postgres(database.url))
  }
  // one for pg's connections, one for those of postgres.js
  expect(gate.listenerCount('evict')).toBe(2)
})

test("a pool's own parsers are not in the gate's way", async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  // texts as the server sends them: `f` for false
  const types = { getTypeParser: () => (text: unknown) => text }
  const pool = new pg.Pool({ connectionString: database.url, types })
  onTestFinished(() => pool.end())
  const gate = gateOf({ pool, manifest: app, pollInterval: 100 })
  guardPool(gate, pool)
  await gate.whenOpen({ timeout: 5000 })
  expect((await pool.query('select true as yes')).rows).toEqual([{ yes: 't' }])
  const sessions = `select from pg_stat_activity where datname = current_database() and application_name like 'schemagate:%'`
  expect((await database.query(sessions)).rows).toHaveLength(2)
  // half restored
  const taken = await pool.connect()
  const changed = database.query('alter table schemagate.ledger drop constraint ledger_pkey')
  await eventually(() => expect(gate.state).toBe('migrating'))
  taken.release(true)
  await changed
  await expect(pool.query('select 1')).rejects.toThrow('no primary key')
})

test('postgres.js is refused behind a closed gate whatever sends a query, and by a rejection', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app })
  await gate.whenOpen({ timeout: 5000 })
  const sql = guardPostgres(gate, postgres(database.url, { max: 2, onnotice: () => {} }))
  onTestFinished(() => sql.end({ timeout: 1 }))
  const reserved = await sql.reserve()
  onTestFinished(() => reserved.release())
  const rows = async () => {
    const found: unknown[] = []
    for await (const [row] of sql`select generate_series(1, 3) as n`.cursor()) found.push(row?.n)
    return found
  }
  const ways: Record<string, () => Promise<unknown>> = {
    reserved: () => reserved`select 1`,
    cursor: rows,
    forEach: () => sql`select 1`.forEach(() => {}),
    execute: () => sql`select 1`.execute(),
    begin: () => sql.begin(inner => inner`select 1`),
    reserve: async () => (await sql.reserve()).release(),
  }
  expect(await rows()).toEqual([1, 2, 3])
  for (const send of Object.values(ways)) await send()

  const made = sql`select 1`
  await ledger.apply({ name: '0003_rename', breaking: true })
  await eventually(() => expect(gate.isOpen).toBe(false))
  for (const [name, send] of Object.entries(ways)) {
    // a call that throws would end a process that only catches the promise
    const refused = send().then(
      () => 'answered',
      (error: Error) => error.name,
    )
    expect([name, await refused]).toEqual([name, 'GateClosedError'])
  }
  await expect(made).rejects.toThrow('The gate is closed')
  // a part of a query is none
  expect(() => sql`where n = ${1}`).not.toThrow()
})

test('a cursor of postgres.js is cancelled when the ledger is taken away', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
  await gate.whenOpen({ timeout: 5000 })
  const sql = guardPostgres(gate, postgres(database.url, { max: 2, onnotice: () => {} }))
  onTestFinished(() => sql.end({ timeout: 1 }))
  gate.enter()
  const read = async () => {
    for await (const _ of sql`select case when n > 2 then pg_sleep(30) end from generate_series(1, 9) as n`.cursor());
  }
  const running = outcome(read())
  await eventually(async () => expect((await sleeping(database)).length).toBe(1))
  await ledger.drop()
  expect(await running).toContain('canceling')
  gate.leave()
})

test('a COPY of postgres.js is ended when the ledger is taken away, in both directions', async ({ database }) => {
  const { ledger, gate, sql } = await openWithNotes(database)
  gate.enter()
  const out =
    await sql`copy (select repeat('x', 9000), case when n > 5 then pg_sleep(30) end from generate_series(1, 9) as n) to stdout`.readable()
  const read = outcome(
    pipeline(out, async rows => {
      for await (const _ of rows);
    }),
  )
  const into = await sql`copy notes from stdin`.writable()
  const written = outcome(finished(into))
  into.write('half\n')
  await eventually(async () => expect((await sleeping(database)).length).toBe(1))
  await ledger.drop()
  expect(await read).toContain('canceling')
  expect(await written).toContain('GateClosedError')
  gate.leave()
  expect(await sleeping(database)).toEqual([])
  expect((await database.query('select text from notes')).rows).toEqual([])
})

test('a transaction of postgres.js does not commit behind a closed gate', async ({ database }) => {
  const { ledger, gate, sql } = await openWithNotes(database)
  const transaction = sql.begin(async inner => {
    await inner.savepoint(nested => [nested`insert into notes values ('one')`, nested`select 2 as two`])
    await ledger.drop()
    await eventually(() => expect(gate.isOpen).toBe(false))
  })
  await expect(transaction).rejects.toThrow('The gate is closed')
  expect((await database.query('select text from notes')).rows).toEqual([])
})

test('a large object of postgres.js is not written behind a closed gate, and its transaction is rolled back', async ({
  database,
}) => {
  const { ledger, gate, sql } = await openWithNotes(database)
  const objects = async () =>
    (await database.query('select convert_from(data, $1) as text from pg_largeobject', ['UTF8'])).rows
  const written = await sql.largeObject()
  await written.write(Buffer.from('whole'))
  await written.close()
  const half = await sql.largeObject()
  await half.write(Buffer.from('half'))
  const stream = await half.readable()
  await ledger.apply({ name: '0003_rename', breaking: true })
  await eventually(() => expect(gate.isOpen).toBe(false))
  await expect(half.write(Buffer.from('other half'))).rejects.toThrow('The gate is closed')
  await expect(stream.toArray()).rejects.toThrow('The gate is closed')
  await expect(half.close()).rejects.toThrow('The gate is closed')
  await expect(sql.largeObject()).rejects.toThrow('The gate is closed')
  const held = `select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'
    and application_name = 'postgres.js'`
  await eventually(async () => expect((await database.query(held)).rows).toEqual([]))
  expect(await objects()).toEqual([{ text: 'whole' }])
})

test('a transaction on a reserved connection of postgres.js can be rolled back behind a closed gate', async ({
  database,
}) => {
  const { ledger, gate, sql } = await openWithNotes(database)
  const reserved = await sql.reserve()
  onTestFinished(() => reserved.release())
  await reserved`begin`
  await reserved`insert into notes values ('half')`
  await ledger.drop()
  await eventually(() => expect(gate.isOpen).toBe(false))
  // as Kysely does
  await expect(reserved.unsafe('commit')).rejects.toThrow('The gate is closed')
  await expect(reserved.unsafe('rollback; select 1')).rejects.toThrow('The gate is closed')
  await reserved.unsafe('rollback')
  const held = `select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'
    and application_name = 'postgres.js'`
  expect((await database.query(held)).rows).toEqual([])
  expect((await database.query('select text from notes')).rows).toEqual([])
})

test('a query of postgres.js that cannot be cancelled does not end the process', async ({ database }) => {
  const { hostname, port } = new URL(database.url)
  const relay = createServer(client => {
    const server = dial(Number(port), hostname)
    for (const socket of [client, server]) socket.on('error', () => {})
    client.pipe(server).pipe(client)
  })
  await once(relay.listen(0, hostname), 'listening')
  const { port: relayed } = relay.address() as AddressInfo
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))

  const { ledger, gate, sql } = await openWithNotes(database, database.url.replace(`:${port}/`, `:${relayed}/`))
  gate.enter()
  const running = outcome(sql`select pg_sleep(30)`)
  await eventually(async () => expect((await sleeping(database)).length).toBe(1))
  relay.close()
  await ledger.drop()
  gate.leave()
  await database.query("select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep(30)%'")
  expect(await running).not.toBe('done')
  expect(unhandled).toEqual([])
})

/** An open gate, a guarded postgres.js, and a table to write to. */
async function openWithNotes(database: ScratchDatabase, url = database.url) {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  await database.query('create table notes (text text)')
  const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
  await gate.whenOpen({ timeout: 5000 })
  const sql = guardPostgres(gate, postgres(url, { max: 2, onnotice: () => {} }))
  onTestFinished(() => sql.end({ timeout: 1 }))
  return { ledger, gate, sql }
}

test('TypeORM does not go past the guard where pg-native is installed', async ({ database }) => {
  const gate = gateOf({ url: database.url, manifest: app })
  // what pg has where it finds pg-native: another driver, with pools of its own
  const driver = guardDriver(gate, { Pool: pg.Pool, native: { Pool: pg.Pool } })
  const db = new DataSource({ type: 'postgres', url: database.url, driver, nativeDriver: {} })
  onTestFinished(async () => {
    if (db.isInitialized) await db.destroy()
  })
  expect(await outcome(db.initialize())).toMatch(/run the migrator/)
})

test('a pool of pg-native is told that it cannot be guarded', async ({ database }) => {
  class Native extends EventEmitter {
    connect = (done: () => void) => done()
    end = (done: () => void) => done()
  }
  const gate = gateOf({ url: database.url, manifest: app })
  const pool = guardPool(gate, new pg.Pool({ Client: Native as never }))
  await expect(pool.query('select 1')).rejects.toThrow('pg-native cannot be guarded')
  expect(pool.totalCount).toBe(0)
})

test('connections that are lost do not end a process that listens to no error', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const library = new URL('../../../gate/index.ts', import.meta.url).href
  const script = `
    import pg from 'pg'
    import { createGate, guardPool } from ${JSON.stringify(library)}
    const url = ${JSON.stringify(database.url)}
    const gate = createGate({ url, manifest: ${JSON.stringify(app)} })
    const pool = guardPool(gate, new pg.Pool({ connectionString: url, application_name: 'of the pool' }))
    await gate.whenOpen()
    const held = await pool.connect()
    await pool.query('select 1')
    console.log('ready')
    process.stdin.on('data', async () => {
      console.log((await pool.query('select 1 as answer')).rows[0].answer)
      held.release(true)
      await pool.end()
      await gate.close()
      process.stdin.destroy()
    })`
  const running = startProcess([process.execPath, '--input-type=module', '-e', script], { keepStdin: true })
  onTestFinished(() => running.kill('SIGKILL'))
  await eventually(() => expect(running.output).toBe('ready\n'))
  const ended = await database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'of the pool'",
  )
  expect(ended.rows).toHaveLength(2)
  await eventually(async () =>
    expect((await database.query("select from pg_stat_activity where application_name = 'of the pool'")).rows).toEqual(
      [],
    ),
  )
  running.child.stdin?.write('go on\n')
  expect((await running.ended).code, running.output).toBe(0)
  expect(running.stdout).toBe('ready\n1\n')
})

test('a certificate that cannot be read for a moment fails the connection of a pool, and not its process', async ({
  database,
}) => {
  const ca = join(await folder({ 'ca.crt': 'being replaced' }), 'ca.crt')
  const url = `${database.url}?sslmode=verify-ca&sslrootcert=${ca}`
  const connection = readConnection({ url })
  const gate = gateOf({ connection, manifest: app })
  const pool = guardPool(gate, new pg.Pool({ ...poolConfig(connection), max: 1 }))
  const queries = [pool.query('select 1'), pool.query('select 2')]
  rmSync(ca)
  queries.push(pool.query('select 3'))
  const errors = await Promise.all(queries.map(query => query.catch(String)))
  expect(errors).toEqual([expect.stringContaining('SSL'), ...Array(2).fill(expect.stringContaining('cannot be read'))])
  await pool.end()
})

test("hooks of Sequelize's get no connection to a database that does not match", async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  const gate = gateOf({ url: database.url, manifest: app })
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  let prepared = 0
  const hooks = { afterConnect: async () => void prepared++ }
  const db = guardSequelize(gate, new Sequelize(database.url, { logging: false, hooks }))
  onTestFinished(() => db.close())
  expect(await outcome(db.query('select 1'))).toMatch(/run the migrator/)
  expect(prepared).toBe(0)
  await ledger.applyQuietly('0001_users', '0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  expect(await outcome(db.query('select 1'))).toBe('done')
  expect(prepared).toBeGreaterThan(0)
})

test('Knex and Sequelize are refused once they have connections, as are pools that Knex was given', async ({
  database,
}) => {
  const gate = gateOf({ url: database.url, manifest: app })
  const db = knex({ client: 'pg', connection: database.url })
  const sequelize = new Sequelize(database.url, { logging: false })
  const replicated = new Sequelize({
    dialect: 'postgres',
    logging: false,
    replication: { read: [parts(database.url)], write: parts(database.url) },
  })
  const given = knex({ client: 'pg', connectionPool: new pg.Pool({ connectionString: database.url }) })
  onTestFinished(async () => {
    await Promise.all([db.destroy(), sequelize.close(), replicated.close()])
  })
  await Promise.all([db.raw('select 1'), sequelize.authenticate(), replicated.authenticate()])
  expect(() => guardKnex(gate, db)).toThrow('has connections')
  for (const used of [sequelize, replicated]) expect(() => guardSequelize(gate, used)).toThrow('has connections')
  expect(() => guardKnex(gate, given)).toThrow('guardPool')
})

/** A connection string as Sequelize's replication takes it. */
function parts(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url)
  return { host: hostname, port, username, password, database: pathname.slice(1) }
}
