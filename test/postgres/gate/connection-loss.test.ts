// Connections that are lost, stand still, or lead through a pooler: an answer holds only while it cannot be wrong.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished } from 'vitest'
import type { Gate } from '../../../gate/index.ts'
import { guardPool } from '../../../gate/pools/pg.ts'
import { followGate } from '../../../gate/pools/pool-follows-gate.ts'
import { GateClosedError } from '../../../gate/status.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { ownServer } from '../../helpers/server.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { gateOf, ledgerOf, manifest, poolOf, timeUntil } from './fixtures.ts'
import { served, traffic } from './traffic.ts'

const app = manifest('0001_users', '0002_tickets')
const NEVER = 3_600_000

const terminate = (name: string, which: string) =>
  `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and application_name like '${which}'`

describe('a lost connection', () => {
  for (const [what, which] of [
    ['that listens', 'schemagate:____________:%'],
    ['that looks', 'schemagate:looking'],
  ]) {
    test(`the loss of the connection ${what} closes the gate at once, and it opens again by itself`, async ({
      database,
    }) => {
      const ledger = ledgerOf(database)
      await ledger.create()
      await ledger.applyQuietly('0001_users', '0002_tickets')
      const gate = gateOf({ url: database.url, manifest: app, pollInterval: NEVER })
      await gate.whenOpen({ timeout: 5000 })
      const { rowCount } = await database.query(terminate(database.name, which!))
      expect(rowCount).toBe(1)
      await eventually(() => expect(gate.history.map(({ state }) => state)).toEqual(['open', 'unreachable', 'open']))
      expect(gate.history[1]!.detail).toContain('shutting down (57P01)')

      // It hears again, too: nothing else would make it look.
      await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
      await ledger.notify({ event: 'published', head: '0001_users' })
      await eventually(() => expect(gate.state).toBe('behind'))
    })
  }

  test('a server that is stopped, and comes back with an older volume, is never taken for the one before', async () => {
    const first = await ownServer()
    const owner = poolOf({ connectionString: first.url, max: 1 })
    const ledger = ledgerOf({ query: (sql, params) => owner.query(sql, params) })
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: first.url, manifest: app })
    await gate.whenOpen({ timeout: 5000 })
    const load = await traffic(gate)
    await eventually(() => expect(load.answers.length).toBeGreaterThan(50))
    await owner.end()
    await first.stop('fast')
    const stopped = performance.now()
    expect(gate.state).toBe('unreachable')

    const second = await ownServer({ port: first.port })
    const other = poolOf({ connectionString: second.url, max: 1 })
    const older = ledgerOf({ query: (sql, params) => other.query(sql, params) })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    await older.create()
    await older.applyQuietly('0001_users')
    await eventually(() => expect(gate.state).toBe('behind'))
    const before = performance.now()
    await older.apply('0002_tickets')
    const matches = performance.now()
    await timeUntil(() => load.answers.some(({ sent, status }) => sent > matches && status === 200))
    expect(performance.now() - matches).toBeLessThan(2000)
    const answers = await load.stop()
    const wrong = served(answers, stopped, before)
    console.log(`older volume: ${answers.length} requests, ${wrong.length} wrong answers`)
    expect(wrong).toEqual([])
  })

  test('a server restarted at once closes the gate, and within two seconds of its return it is open', async () => {
    const server = await ownServer()
    const owner = poolOf({ connectionString: server.url, max: 1 })
    const ledger = ledgerOf({ query: (sql, params) => owner.query(sql, params) })
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await owner.query('checkpoint')
    await owner.end()
    const gate = gateOf({ url: server.url, manifest: app })
    await gate.whenOpen({ timeout: 5000 })
    await server.restart('immediate')
    const back = performance.now()
    await gate.whenOpen({ timeout: 2000 })
    expect(performance.now() - back).toBeLessThan(2000)
    expect(gate.history.map(({ state }) => state)).toContain('unreachable')
  })
})

test('on a standby, where nothing can be listened to, the gate polls', async () => {
  const server = await ownServer()
  const owner = poolOf({ connectionString: server.url, max: 1 })
  const ledger = ledgerOf({ query: (sql, params) => owner.query(sql, params) })
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  await owner.end()
  await server.stop('fast')
  await writeFile(join(server.dataDir, 'standby.signal'), '')
  await server.start()
  const gate = gateOf({ url: server.url, manifest: app })
  await gate.whenOpen({ timeout: 5000 })
  expect((await gate.check()).state).toBe('open')
})

describe('a network that has gone silent', () => {
  test('the last answer holds for as long as was stated, and no longer', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const proxy = await tcpProxy(database.url)
    const gate = gateOf({ url: proxy.url(database.url), manifest: app, staleAfter: 1000, pollInterval: 200 })
    await gate.whenOpen({ timeout: 5000 })
    proxy.pause()
    const silent = performance.now()
    await timeUntil(() => !gate.isOpen)
    expect(performance.now() - silent).toBeLessThan(1100)
    expect(gate.state).toBe('unreachable')
    expect(gate.detail).toMatch(/has not answered|no answer|does not answer/)
    proxy.cut()
    proxy.resume()
    await gate.whenOpen({ timeout: 2000 })
  })

  test('what a guarded pool sends after it waits until the database has answered the gate', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await database.query('create table notes (text text)')
    const proxy = await tcpProxy(database.url)
    const url = proxy.url(database.url)
    const gate = gateOf({ url, manifest: app, staleAfter: 1000, pollInterval: 200, connectTimeout: 500 })
    const pool = guardPool(gate, poolOf({ connectionString: url }))
    await gate.whenOpen({ timeout: 5000 })
    const insert = () => pool.query("insert into notes values ('late')").then(() => 'written', String)
    gate.enter()
    await insert()
    const silence = async (work: () => Promise<unknown>) => {
      proxy.pause()
      await timeUntil(() => !gate.isOpen)
      await work()
      const inserted = insert()
      proxy.resume()
      return inserted
    }
    expect(await silence(async () => {})).toBe('written')
    await gate.whenOpen({ timeout: 5000 })
    // once the server has ended the gate's hold
    expect(await silence(() => ledger.drop())).toMatch(/terminated/)
    expect((await database.query('select text from notes')).rows).toHaveLength(2)
    gate.leave()
  })

  test('a guarded pool is not held for ever by a database that does not answer again', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const proxy = await tcpProxy(database.url)
    const gate = gateOf({ url: proxy.url(database.url), manifest: app, staleAfter: 1000, connectTimeout: 500 })
    const pool = guardPool(gate, poolOf({ connectionString: database.url, application_name: 'pooled' }))
    await gate.whenOpen({ timeout: 5000 })
    const busy = await pool.connect()
    await pool.query('select 1')
    const slow = busy.query('select pg_sleep(60)').catch(String)
    proxy.pause()
    await timeUntil(() => gate.state === 'unreachable')
    const stale = performance.now()
    await database.query(terminate(database.name, 'pooled'))
    const ended = pool.end()
    expect(await slow).toMatch(/terminated/)
    busy.release(true)
    await ended
    expect(performance.now() - stale).toBeLessThan(12_000)
  })

  test('a process that stood still finds its gate closed', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, staleAfter: 400, pollInterval: 100 })
    await gate.whenOpen({ timeout: 5000 })
    const until = performance.now() + 500
    while (performance.now() < until);
    expect(gate.enter()).toBe(false)
    expect(gate.state).toBe('unreachable')
    await gate.whenOpen({ timeout: 2000 })
  })

  test('connecting and ending are bounded also when nothing answers', async ({ database }) => {
    const proxy = await tcpProxy(database.url)
    proxy.pause()
    const gate = gateOf({ url: proxy.url(database.url), manifest: app, connectTimeout: 200 })
    await eventually(() => expect(gate.detail).toContain('does not answer'))
    const started = performance.now()
    await gate.close()
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('behind a pooler', () => {
  const pooled = pgbouncerPath === undefined ? test.skip : test

  pooled(`in transaction mode the gate polls, and leaves no setting behind (${noPgbouncer})`, async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users')
    const bouncer = await pgbouncer(database.url, { poolSize: 2 })
    const gate = gateOf({ url: bouncer.url(database.url), manifest: app, pollInterval: 200 })
    await eventually(() => expect(gate.state).toBe('behind'))
    await ledger.applyQuietly('0002_tickets')
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(1000)
    // it knows the server behind the pooler, and so lets a pool pass that leads there
    const pool = guardPool(gate, poolOf({ connectionString: bouncer.url(database.url) }))
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await ledger.drop()
    expect(await timeUntil(() => !gate.isOpen)).toBeLessThan(1000)
    const client = new pg.Client({ connectionString: bouncer.url(database.url) })
    await client.connect()
    onTestFinished(() => client.end())
    for (let i = 0; i < 4; i++) {
      const { rows } = await client.query(`select current_setting('statement_timeout') as statement_timeout,
        current_setting('lock_timeout') as lock_timeout, (select count(*)::int from pg_listening_channels()) as channels`)
      expect(rows).toEqual([{ statement_timeout: '0', lock_timeout: '0', channels: 0 }])
    }
  })

  pooled(
    `a gate that goes past it guards the pool behind it, and is waited for (${noPgbouncer})`,
    async ({ database }) => {
      const ledger = ledgerOf(database)
      await ledger.create()
      await ledger.applyQuietly('0001_users', '0002_tickets')
      const bouncer = await pgbouncer(database.url, { poolSize: 2 })
      const gate = gateOf({ url: database.url, manifest: app })
      await gate.whenOpen({ timeout: 5000 })
      const pool = guardPool(gate, poolOf({ connectionString: bouncer.url(database.url), application_name: 'shop' }))
      await pool.query('select 1')
      const waitedFor = async () => {
        const { rows } = await database.query(
          "select from pg_stat_activity where datname = current_database() and application_name like 'schemagate:%:0002_tickets'",
        )
        return rows.length > 0
      }
      gate.enter()
      await ledger.apply({ name: '0003_breaking', breaking: true })
      await eventually(() => expect(gate.state).toBe('too-old'))
      expect(await waitedFor()).toBe(true)
      await pool.query('select 1')
      gate.leave()
      await eventually(async () => expect(await waitedFor()).toBe(false))
      await expect(pool.query('select 1')).rejects.toThrow('too-old')
    },
  )
})

describe("a role's or a database's own limits", () => {
  for (const [setting, since] of [
    ['idle_session_timeout', 14],
    ['transaction_timeout', 17],
    ['idle_in_transaction_session_timeout', 12],
    ['statement_timeout', 12],
  ] as const) {
    test(`a short ${setting} does not close an open gate again and again`, async ({ database, skip }) => {
      const { rows } = await database.query<{ major: number }>(
        `select current_setting('server_version_num')::int / 10000 as major`,
      )
      if (rows[0]!.major < since) skip(`Postgres ${rows[0]!.major} has no ${setting}`)
      const ledger = ledgerOf(database)
      await ledger.create()
      await ledger.applyQuietly('0001_users', '0002_tickets')
      await database.query(`alter database ${database.name} set ${setting} = '300ms'`)
      const gate = gateOf({ url: database.url, manifest: app, pollInterval: 700 })
      await gate.whenOpen({ timeout: 5000 })
      const looks = async () => {
        const { rows: sessions } = await database.query<{ pid: number; looked: Date }>(
          `select pid, query_start as looked from pg_stat_activity
           where application_name = 'schemagate:looking' and datname = $1`,
          [database.name],
        )
        expect(sessions).toHaveLength(1)
        return sessions[0]!
      }
      const first = await eventually(looks)
      await eventually(async () => {
        expect((await looks()).looked.getTime()).toBeGreaterThan(first.looked.getTime() + 1500)
      })
      expect(gate.history.map(({ state }) => state)).toEqual(['open'])
    })
  }
})

describe("the app's own pool", () => {
  test('a guarded pool gives out no new connection to a database that does not match', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const pool = poolOf({ connectionString: database.url, max: 2 })
    const gate = gateOf({ pool, manifest: app, pollInterval: NEVER, fence: false })
    guardPool(gate, pool)
    await gate.whenOpen({ timeout: 5000 })
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])

    await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
    const held = await pool.connect()
    const refused = await pool.connect().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(GateClosedError)
    expect(refused).toMatchObject({ statusCode: 503, status: { state: 'behind' } })
    held.release()
    // The refused connection has told the gate.
    await eventually(() => expect(gate.state).toBe('behind'))
  })

  test('a connection that is ended in the middle of its check was refused by the gate', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.apply('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000 })
    const pool = guardPool(gate, poolOf({ connectionString: database.url }))
    await gate.whenOpen({ timeout: 5000 })
    gate.enter()
    const taker = await database.connect()
    const taken = taker.query('begin; lock table schemagate.ledger')
    await eventually(() => expect(gate.isOpen).toBe(false))
    // its check waits behind the session that takes the ledger, until the gate ends all connections
    await expect(pool.query('select 1')).rejects.toThrow(GateClosedError)
    await taken
    await taker.query('rollback')
    gate.leave()
  })

  test('a pool is refused before there is a gate, as where a build loads a module', ({ database }) => {
    const none = undefined as unknown as Gate
    expect(() => guardPool(none, poolOf({ connectionString: database.url }))).toThrow('there is no gate yet')
  })

  test('a pool that has connections already is refused: nothing has checked them', async ({ database }) => {
    const pool = poolOf({ connectionString: database.url })
    await pool.query('select 1')
    const gate = gateOf({ pool, manifest: app })
    for (const guard of [guardPool, followGate]) expect(() => guard(gate, pool)).toThrow('has connections')
  })

  test("a pool's own preparation of a connection comes after the look", async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    const gate = gateOf({ url: database.url, manifest: app })
    const prepared: pg.QueryResult[] = []
    const onConnect = async (client: pg.ClientBase) => void prepared.push(await client.query('select 1'))
    const pool = guardPool(gate, poolOf({ connectionString: database.url, onConnect }))
    // before `onConnect` there was this
    pool.on('connect', onConnect)
    await expect(pool.query('select 1')).rejects.toThrow(GateClosedError)
    expect(prepared).toHaveLength(0)
    await ledger.apply('0001_users', '0002_tickets')
    await gate.whenOpen({ timeout: 5000 })
    await pool.query('select 1')
    expect(prepared).toHaveLength(2)
  })

  test('a look at another database that is under way does not take the answer of the gate for its own', async ({
    createDatabase,
  }) => {
    const [here, elsewhere] = [await createDatabase(), await createDatabase()]
    for (const database of [here, elsewhere]) await ledgerOf(database).create()
    await ledgerOf(here).applyQuietly('0001_users', '0002_tickets')
    await ledgerOf(elsewhere).applyQuietly('0001_users')
    const gate = gateOf({ url: here.url, manifest: app, pollInterval: NEVER })
    await gate.whenOpen({ timeout: 5000 })
    const held = Promise.withResolvers<void>()
    const verify = (until?: Promise<void>) =>
      gate.verify({
        query: async <Row extends object>(text: string) => {
          const { rows } = await elsewhere.query(text)
          await until
          return rows as Row[]
        },
      })
    await expect(verify()).rejects.toThrow(GateClosedError)
    const late = expect(verify(held.promise)).rejects.toThrow(GateClosedError)
    expect((await gate.check()).state).toBe('open')
    held.resolve()
    await late
  })

  // the gate would not see what becomes of that database
  test('gives no connection to another database, although the app matches it now', async ({ createDatabase }) => {
    const [here, elsewhere] = [await createDatabase(), await createDatabase()]
    for (const database of [here, elsewhere]) {
      await ledgerOf(database).create()
      await ledgerOf(database).applyQuietly('0001_users', '0002_tickets')
    }
    const gate = gateOf({ url: here.url, manifest: app })
    await gate.whenOpen({ timeout: 5000 })
    for (const guard of [guardPool, followGate]) {
      const pool = guard(gate, poolOf({ connectionString: elsewhere.url }))
      await expect(pool.query('select 1')).rejects.toThrow('another server or database')
    }
    const pool = guardPool(gate, poolOf({ connectionString: here.url }))
    await pool.query('select 1')
    expect(gate.isOpen).toBe(true)
  })

  test('an error on any of its connections makes the gate look', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const pool = poolOf({ connectionString: database.url, max: 1 })
    const gate = gateOf({ pool, manifest: app, pollInterval: NEVER, fence: false })
    guardPool(gate, pool)
    await gate.whenOpen({ timeout: 5000 })
    const client = await pool.connect()
    await client.query('begin')
    await ledger.drop()
    await expect(client.query('select * from tickets')).rejects.toThrow('does not exist')
    await client.query('rollback')
    client.release()
    await eventually(() => expect(gate.state).toBe('unmigrated'))
  })

  test("a pool's own limits and its password are not in the gate's way", async ({ database }) => {
    const role = database.role('app')
    await database.query(`create role ${role} login password 'app-password'`)
    const ledger = ledgerOf(database)
    await ledger.create()
    await database.query(`grant usage on schema schemagate to ${role}; grant select on schemagate.ledger to ${role}`)
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const { hostname, port } = new URL(database.url)
    const pool = poolOf({
      host: hostname,
      port: Number(port),
      database: database.name,
      user: role,
      password: 'app-password',
      statement_timeout: 1,
      application_name: 'mine',
    })
    const gate = gateOf({ pool, manifest: app })
    await gate.whenOpen({ timeout: 5000 })
  })
})
