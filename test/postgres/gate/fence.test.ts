// The ledger under a running app: dropped, truncated, restored over. Nothing may be answered from then on.

import { once } from 'node:events'
import { createServer } from 'node:http'
import fastify from 'fastify'
import pg from 'pg'
import { describe, expect, onTestFinished } from 'vitest'
import { gateMiddleware } from '../../../gate/adapters/express.ts'
import { gatePlugin } from '../../../gate/adapters/fastify.ts'
import type { GateOptions } from '../../../gate/options.ts'
import { guardPool } from '../../../gate/pools/pg.ts'
import { migratorName } from '../../../gate/protocol/announcement.ts'
import { requireFunctionDdl } from '../../../gate/protocol/require.ts'
import { GateClosedError } from '../../../gate/status.ts'
import { ledgerDdl } from '../../../migrator/ledger/versions.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest, poolOf, sha256, timeUntil, urlOf } from './fixtures.ts'
import { served, traffic } from './traffic.ts'

async function roleIn(database: ScratchDatabase): Promise<string> {
  const name = database.role('app')
  await database.query(`create role ${name}`)
  return name
}

const app = manifest('0001_users', '0002_tickets')
const NEVER = 3_600_000

/** A ledger as the app wants it, and the app's gate, open. */
async function opened(database: ScratchDatabase, options: Partial<GateOptions> = {}) {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app, ...options })
  await gate.whenOpen({ timeout: 5000 })
  return { ledger, gate }
}

test('rows that are changed by hand close the gate at once, and a whole run of the migrator tells it once', async ({
  database,
}) => {
  const { ledger, gate } = await opened(database, { pollInterval: NEVER, staleAfter: NEVER })
  const payloads: (string | undefined)[] = []
  const listener = new pg.Client(database.url)
  await listener.connect()
  listener.on('error', () => {})
  onTestFinished(() => listener.end())
  listener.on('notification', ({ payload }) => payloads.push(payload))
  await listener.query('listen schemagate')

  await database.query("update schemagate.ledger set checksum = 'other' where name = '0001_users'")
  expect(await timeUntil(() => !gate.isOpen)).toBeLessThan(500)
  expect(gate.state).toBe('diverged')
  await database.query('update schemagate.ledger set checksum = $1 where name = $2', [
    sha256('0001_users'),
    '0001_users',
  ])
  await gate.whenOpen({ timeout: 2000 })
  await database.query("delete from schemagate.ledger where name = '0002_tickets'")
  expect(await timeUntil(() => !gate.isOpen)).toBeLessThan(500)
  expect(gate.state).toBe('behind')

  await eventually(() => expect(payloads).toHaveLength(3))
  await ledger.applyQuietly('0002_tickets')
  await listener.query('select 1')
  expect(payloads).toHaveLength(3)
})

describe('with the fence', () => {
  for (const [what, sql, state] of [
    ['its schema dropped', 'drop schema schemagate cascade', 'unmigrated'],
    ['its table dropped', 'drop table schemagate.ledger', 'unmigrated'],
    ['its table emptied', 'truncate schemagate.ledger', 'unmigrated'],
    [
      'an older dump restored over it in one transaction',
      `begin; drop schema schemagate cascade; ${ledgerDdl('schemagate')};
       insert into schemagate.ledger (name, checksum, position, kind, run_id, tool_version)
       select '0001_users', encode(sha256('0001_users'), 'hex'), 1, 'sql', gen_random_uuid(), 'test'; commit`,
      'behind',
    ],
  ] as const) {
    test(`no request is answered after a ledger had ${what}, and all are within two seconds of its return`, async ({
      database,
    }) => {
      const { ledger, gate } = await opened(database)
      const load = await traffic(gate)
      await eventually(() => expect(load.answers.length).toBeGreaterThan(50))

      const asked = performance.now()
      await database.query(sql)
      const gone = performance.now()
      expect(gate.isOpen).toBe(false)
      expect(gone - asked).toBeLessThan(3000)
      await eventually(() => expect(gate.state).toBe(state))
      await eventually(() => expect(load.answers.filter(({ sent }) => sent > gone).length).toBeGreaterThan(50))

      const back = performance.now()
      await database.query(ledgerDdl('schemagate'))
      await database.query('delete from schemagate.ledger')
      await ledger.applyQuietly('0001_users', '0002_tickets')
      const again = performance.now()
      await timeUntil(() => load.answers.some(({ sent, status }) => sent > again && status === 200))
      expect(performance.now() - again).toBeLessThan(2000)

      const answers = await load.stop()
      const wrong = served(answers, gone, back)
      console.log(
        `${what}: ${answers.length} requests, ${wrong.length} wrong answers, drop took ${Math.round(gone - asked)} ms`,
      )
      expect(wrong).toEqual([])
      expect(served(answers, 0, asked).length).toBeGreaterThan(0)
    })
  }

  test('the drop waits until the requests inside have been answered', async ({ database }) => {
    const { ledger, gate } = await opened(database)
    expect(gate.enter()).toBe(true)
    let dropped = false
    const drop = ledger.drop().then(() => {
      dropped = true
    })
    await eventually(() => expect(gate.isOpen).toBe(false))
    expect(gate.state).toBe('migrating')
    expect(dropped).toBe(false)
    gate.leave()
    await drop
  })

  test('a request that never ends does not hold the drop for ever', async ({ database }) => {
    const { ledger, gate } = await opened(database, { staleAfter: 1000 })
    expect(gate.enter()).toBe(true)
    const started = performance.now()
    await ledger.drop()
    expect(performance.now() - started).toBeLessThan(3000)
    expect(gate.isOpen).toBe(false)
    gate.leave()
  })

  test('a gate that looks seldom holds the ledger until what is inside has been cut', async ({ database }) => {
    const { ledger, gate } = await opened(database, { staleAfter: 2000, pollInterval: 2200 })
    const order: string[] = []
    gate.on('evict', () => order.push('evicted')).on('cut', () => order.push('cut'))
    expect(gate.enter()).toBe(true)
    await ledger.drop()
    order.push('dropped')
    expect(order).toEqual(['evicted', 'cut', 'dropped'])
    gate.leave()
  })

  test('a handler that works on after the ledger was taken away gives no answer any more', async ({ database }) => {
    const { ledger, gate } = await opened(database, { staleAfter: 2000, pollInterval: 100 })
    const works = Promise.withResolvers<string>()
    const begun = { fastify: Promise.withResolvers<void>(), express: Promise.withResolvers<void>() }
    const service = fastify()
    await service.register(gatePlugin, { gate })
    service.get('/', () => {
      begun.fastify.resolve()
      return works.promise
    })
    const enter = gateMiddleware(gate)
    const plain = createServer((request, response) =>
      enter(request, response, async () => {
        begun.express.resolve()
        response.end(await works.promise)
      }),
    )
    await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void plain.close())
    onTestFinished(() => service.close())
    const urls = [await service.listen({ host: '127.0.0.1', port: 0 }), urlOf(plain)]
    const asked = urls.map(url =>
      fetch(url)
        .then(({ status }) => status)
        .catch(() => 'cut'),
    )
    await Promise.all([begun.fastify.promise, begun.express.promise])
    await ledger.drop()
    works.resolve('from the older schema')
    expect(await Promise.all(asked)).toEqual(['cut', 'cut'])
  })

  test('requests inside are ended also when whoever wants the ledger ends the session that holds it', async ({
    database,
  }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const pool = poolOf({ connectionString: database.url })
    const gate = gateOf({ pool, manifest: app, staleAfter: 2000 })
    guardPool(gate, pool)
    await gate.whenOpen({ timeout: 5000 })
    const isCut = once(gate, 'cut', { signal: AbortSignal.timeout(10_000) })
    const connection = await pool.connect()
    expect(gate.enter()).toBe(true)
    const { rowCount } = await database.query(
      `select pg_terminate_backend(pid) from pg_locks where relation = 'schemagate.ledger'::regclass and pid <> pg_backend_pid()`,
    )
    expect(rowCount).toBeGreaterThan(0)
    await ledger.drop()
    await isCut
    await expect(connection.query('select 1')).rejects.toThrow()
    connection.release(true)
    gate.leave()
  })

  test('requests that wait for a restore which waits for the gate are evicted, and change nothing in the older schema', async ({
    database,
  }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await database.query(`create table users (name text); insert into users values ('new')`)
    const pool = poolOf({ connectionString: database.url, max: 4 })
    const gate = gateOf({ pool, manifest: app })
    guardPool(gate, pool)
    await gate.whenOpen({ timeout: 5000 })
    // one that has a connection and is between two queries, and one that has yet to ask
    const between = await pool.connect()
    await between.query('begin')
    const restorer = await database.connect()
    await restorer.query(`begin; drop table users; create table users (name text); insert into users values ('old')`)
    const outcome = (work: Promise<pg.QueryResult>) =>
      work.then(({ rows }) => rows as unknown).catch((error: unknown) => (error instanceof Error ? 'evicted' : error))
    const inside = (work: () => Promise<pg.QueryResult>) => gate.run(() => outcome(work()))
    const { promise: restored, resolve: isRestored } = Promise.withResolvers<void>()
    const asked = [
      inside(() => pool.query('select name from users')),
      inside(() => pool.query(`insert into users values ('late')`)),
      inside(() => restored.then(() => between.query(`insert into users values ('later')`))),
      inside(() => restored.then(() => pool.query('select name from users'))),
    ]
    const started = performance.now()
    await restorer.query('drop schema schemagate cascade; commit')
    expect(performance.now() - started).toBeLessThan(4000)
    isRestored()
    expect(await Promise.all(asked)).toEqual(['evicted', 'evicted', 'evicted', 'evicted'])
    between.release(true)
    expect((await database.query('select name from users')).rows).toEqual([{ name: 'old' }])
  })

  test('a restore that wants the ledger several times waits for the gate only once', async ({ database }) => {
    const { gate } = await opened(database)
    await database.query('alter table schemagate.ledger drop constraint ledger_position_key')
    expect((await gate.check()).state).toBe('migrating')
    await database.query("set lock_timeout = '200ms'; drop table schemagate.ledger; reset lock_timeout")
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    expect(gate.history.map(({ state }) => state)).toEqual(['open', 'migrating', 'unmigrated'])
  })

  test('a guarded pool gives out no connection between two statements of a restore, while the ledger looks whole', async ({
    database,
  }) => {
    await opened(database)
    const pool = poolOf({ connectionString: database.url })
    const gate = gateOf({ pool, manifest: app })
    guardPool(gate, pool)
    await gate.whenOpen({ timeout: 5000 })
    await database.query('alter table schemagate.ledger drop constraint ledger_position_key')
    await expect(pool.query('select 1')).rejects.toBeInstanceOf(GateClosedError)
    await gate.whenOpen({ timeout: 5000 })
    await pool.query('select 1')
  })

  test('a restore in many transactions keeps the gate closed until the ledger has its key again', async ({
    database,
  }) => {
    const { gate } = await opened(database)
    // as pg_restore --clean does, which may take its time between any two of these
    for (const sql of [
      'alter table schemagate.ledger drop constraint ledger_position_key, drop constraint ledger_pkey',
      'create table schemagate.copy as table schemagate.ledger; drop table schemagate.ledger',
      'alter table schemagate.copy rename to ledger',
    ]) {
      await database.query(sql)
      // for longer than the gate leaves a ledger alone that somebody has asked for
      const quiet = performance.now() + 1_500
      while (performance.now() < quiet) expect((await gate.check()).state).not.toBe('open')
    }
    expect(gate.detail).toContain('no primary key')
    await database.query('alter table schemagate.ledger add constraint ledger_pkey primary key (name)')
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(2000)
    expect(new Set(gate.history.slice(1, -1).map(({ state }) => state))).toEqual(new Set(['migrating', 'unmigrated']))
  })

  test('a change of the ledger that leaves it as it was closes the gate for a moment', async ({ database }) => {
    const { gate } = await opened(database)
    await database.query('alter table schemagate.ledger drop constraint ledger_position_key')
    expect(gate.isOpen).toBe(false)
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(2000)
  })

  test('while someone holds the table locked the gate is closed, and says so', async ({ database }) => {
    const { gate } = await opened(database)
    const restorer = await database.connect()
    await restorer.query('begin; lock table schemagate.ledger in access exclusive mode')
    expect(gate.isOpen).toBe(false)
    await eventually(() => expect(gate.detail).toContain('its table is locked'))
    await restorer.query('rollback')
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(2000)
  })

  test('ordinary work on the ledger is not held up by an open gate', async ({ database }) => {
    const { gate } = await opened(database, { pollInterval: NEVER })
    const client = await database.connect()
    // as a migrator, which does not ring for each statement: a look that is under way takes longer than that
    await client.query(`set application_name = '${migratorName} test'; set lock_timeout = '1ms'`)
    for (const sql of [
      ledgerDdl('schemagate'),
      requireFunctionDdl('schemagate'),
      `grant select on schemagate.ledger to ${await roleIn(database)}`,
      'update schemagate.ledger set duration_ms = 1',
      `insert into schemagate.ledger (name, checksum, position, kind, run_id, tool_version)
       values ('x', 'x', 9, 'sql', gen_random_uuid(), 'x')`,
      'delete from schemagate.ledger where position = 9',
      'begin; lock table schemagate.ledger in exclusive mode; commit',
      'vacuum analyze schemagate.ledger',
      'create index concurrently on schemagate.ledger (run_id)',
    ]) {
      await client.query(sql)
    }
    expect(gate.isOpen).toBe(true)
  })

  test('an open gate does not hold up an index that is built concurrently', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await database.query('create table users (id int)')
    const gate = gateOf({ url: database.url, manifest: app })
    await gate.whenOpen({ timeout: 5000 })
    await gate.check()
    const started = performance.now()
    await database.query('create index concurrently users_id on users (id)')
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('the hold is renewed, so that no transaction grows old', async ({ database }) => {
    const { gate } = await opened(database, { pollInterval: 50, staleAfter: 1000 })
    const begun = async () => {
      const { rows } = await database.query<{ pid: number; xact_start: Date; backend_xmin: string | null }>(
        `select pid, xact_start, backend_xmin from pg_stat_activity
         where application_name = 'schemagate:looking' and datname = $1 and state = 'idle in transaction'`,
        [database.name],
      )
      expect(rows).toHaveLength(1)
      return rows[0]!
    }
    const first = await eventually(begun)
    // What vacuum would have to wait for.
    expect(first.backend_xmin).toBeNull()
    await eventually(
      async () => {
        const later = await begun()
        expect(later.pid).toBe(first.pid)
        expect(later.xact_start.getTime()).toBeGreaterThan(first.xact_start.getTime() + 1500)
      },
      { timeout: 20_000, interval: 200 },
    )
    expect(gate.history.map(({ state }) => state)).toEqual(['open'])
  })

  test('until then it is one transaction, which a gate that is asked for nothing else keeps alive', async ({
    database,
  }) => {
    await opened(database, { pollInterval: 50, staleAfter: 3000 })
    const holding = async () => {
      const { rows } = await database.query<{ xact_start: Date; query_start: Date }>(
        `select xact_start, query_start from pg_stat_activity
         where application_name = 'schemagate:looking' and datname = $1 and state = 'idle in transaction'`,
        [database.name],
      )
      expect(rows).toHaveLength(1)
      return rows[0]!
    }
    const first = await eventually(holding)
    const kept = await eventually(
      async () => {
        const later = await holding()
        expect(later.query_start.getTime()).toBeGreaterThan(first.query_start.getTime() + 2000)
        return later
      },
      { timeout: 20_000 },
    )
    expect(kept.xact_start).toEqual(first.xact_start)
  })
})

test('without the fence, an open gate sees the drop at its next look', async ({ database }) => {
  const { ledger, gate } = await opened(database, { fence: false, pollInterval: 200 })
  await ledger.drop()
  expect(await timeUntil(() => !gate.isOpen)).toBeLessThan(1000)
  await eventually(() => expect(gate.state).toBe('unmigrated'))
})
