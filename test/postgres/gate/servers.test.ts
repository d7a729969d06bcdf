// One address, two servers: a gate and what it guards are at the same server, or the gate is closed.

import { mkdtemp } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { beforeAll, describe, expect, inject, onTestFinished } from 'vitest'
import { guardPool } from '../../../gate/pools/pg.ts'
import { followGate } from '../../../gate/pools/pool-follows-gate.ts'
import { GateClosedError } from '../../../gate/status.ts'
import { removeDataDir } from '../../../scripts/lib/postgres/data.ts'
import { type EmbeddedPostgres, startPostgres } from '../../../scripts/lib/postgres/server.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { ask } from '../../helpers/replication.ts'
import { gateOf, ledgerOf, manifest, poolOf } from './fixtures.ts'
import { traffic } from './traffic.ts'

const app = manifest('0001_users', '0002_tickets')

let other: EmbeddedPostgres
beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'schemagate-servers-'))
  const { username, password } = new URL(inject('postgres').url)
  other = await startPostgres({ dataDir, user: username, password, fsync: false })
  return async () => {
    await other.stop('immediate')
    await removeDataDir(dataDir)
  }
})

/**
 * The scratch database, and one of the same name with the same ledger on another server, behind one address. `lead` says
 * where each connection from now on leads.
 */
async function pair(database: ScratchDatabase) {
  await ask(other, `create database ${database.name}`)
  const twin = new URL(database.url)
  twin.host = `${other.host}:${other.port}`
  const servers = [database.url, twin.href] as const
  for (const [i, url] of servers.entries()) {
    const query = (sql: string, params?: unknown[]) => ask({ url }, sql, params)
    await ledgerOf({ query }).create()
    await ledgerOf({ query }).applyQuietly('0001_users', '0002_tickets')
    await query(`create table here as select ${i} as server; create table written (server int)`)
  }
  let choose = () => 0
  const open = new Set<() => void>()
  const proxy = createServer(client => {
    const { hostname, port } = new URL(servers[choose()]!)
    const upstream = connect(Number(port), hostname)
    const cut = () => {
      client.destroy()
      upstream.destroy()
      open.delete(cut)
    }
    open.add(cut)
    for (const socket of [client, upstream]) socket.on('error', cut).on('close', cut)
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.close()
    for (const cut of open) cut()
  })
  const address = proxy.address()
  const url = new URL(database.url)
  url.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  // one connection for each session: by default, TLS would be tried on another one first
  url.search = '?sslmode=disable'
  return {
    url: url.href,
    servers,
    lead: (to: 'first' | 'second' | 'by turns') => {
      let turn = 0
      choose = { first: () => 0, second: () => 1, 'by turns': () => turn++ % 2 }[to]
    },
    cut: () => {
      for (const cut of open) cut()
    },
    written: async () =>
      Promise.all(servers.map(async at => (await ask({ url: at }, 'select server from written')).length)),
  }
}

const where = async (pool: pg.Pool) => (await pool.query<{ server: number }>('select server from here')).rows[0]?.server

describe('an address that leads to two servers by turns', () => {
  test('gives a guarded pool connections to the server that the gate has looked at, and to no other', async ({
    database,
  }) => {
    const { url, lead, written } = await pair(database)
    lead('by turns')
    const gate = gateOf({ url, manifest: app })
    const pool = guardPool(gate, poolOf({ connectionString: url, max: 4, maxUses: 3 }))
    await gate.whenOpen({ timeout: 5000 })
    const answers: unknown[] = []
    const refused: unknown[] = []
    const load = await traffic(gate, async () => {
      try {
        answers.push(await where(pool))
        await pool.query('insert into written select server from here')
      } catch (error) {
        refused.push(error)
      }
    })
    await eventually(() => expect(answers.length).toBeGreaterThan(20))
    await load.stop()
    expect(new Set(answers)).toEqual(new Set([0]))
    expect((await written())[1]).toBe(0)
    for (const error of refused) expect(error).toBeInstanceOf(GateClosedError)
    expect(refused.length).toBeGreaterThan(0)
    expect(String(refused[0])).toContain('another server')
  })

  test('leads both of the gate’s own connections to one server, or the gate says why it is closed', async ({
    database,
  }) => {
    const { url, lead, servers } = await pair(database)
    lead('by turns')
    const gate = gateOf({ url, manifest: app })
    await gate.whenOpen({ timeout: 5000 })
    const counts = await Promise.all(
      servers.map(async at => {
        const sql = `select pid from pg_stat_activity where datname = current_database() and application_name like 'schemagate:%'`
        return (await ask({ url: at }, sql)).length
      }),
    )
    expect(counts).toContain(2)
  })
})

test('a pool of an address that leads elsewhere now is evicted when its gate goes there', async ({ database }) => {
  const { url, lead, cut } = await pair(database)
  const gate = gateOf({ url, manifest: app })
  const pool = guardPool(gate, poolOf({ connectionString: database.url, max: 2 }))
  const plain = followGate(gate, poolOf({ connectionString: url, max: 2 }))
  await gate.whenOpen({ timeout: 5000 })
  expect([await where(pool), await where(plain)]).toEqual([0, 0])
  lead('second')
  cut()
  await eventually(() => expect(gate.history.map(({ state }) => state)).toEqual(['open', 'unreachable', 'open']))
  // this pool's own address still leads to the first server, over a connection that nothing has cut
  await expect(where(pool)).rejects.toThrow('another server')
  expect(await where(plain)).toBe(1)
})

test('a gate goes where its address leads now, although its server goes on', async ({ database }) => {
  const { url, lead } = await pair(database)
  const gate = gateOf({ url, manifest: app, staleAfter: 1000 })
  const pool = guardPool(gate, poolOf({ connectionString: url, max: 2 }))
  await gate.whenOpen({ timeout: 5000 })
  const held = await pool.connect()
  onTestFinished(() => held.release(true))
  lead('second')
  await expect(where(pool)).rejects.toThrow('another server')
  await eventually(async () => expect(await where(pool)).toBe(1))
  // what is still at the server before is ended
  await expect(held.query('select 1')).rejects.toThrow()
})

test('nor does it stay where its address leads no more, if the database there does not match', async ({ database }) => {
  const { url, lead } = await pair(database)
  const second = new URL(database.url)
  second.host = `${other.host}:${other.port}`
  await ask({ url: second.href }, `delete from schemagate.ledger where name = '0002_tickets'`)
  for (const state of ['behind', 'unmigrated']) {
    lead('first')
    const gate = gateOf({ url, manifest: app, staleAfter: 1000 })
    const pool = guardPool(gate, poolOf({ connectionString: url, max: 2 }))
    await gate.whenOpen({ timeout: 5000 })
    lead('second')
    await eventually(async () => {
      await expect(where(pool)).rejects.toThrow(`The gate is closed (${state})`)
      expect(gate.state).toBe(state)
    })
    await ask({ url: second.href }, 'drop schema if exists schemagate cascade')
  }
})
