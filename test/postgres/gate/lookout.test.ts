// Several gates on one database: one looks out for all, and each of them closes as soon as if it had looked itself.

import { describe, expect } from 'vitest'
import type { GateOptions } from '../../../gate/options.ts'
import type { Manifest } from '../../../gate/protocol/manifest.ts'
import { Lookout } from '../../../gate/watching/lookout.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { gateOf, ledgerOf, manifest, type WatchedGate } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')
const pollInterval = 100
/** So long that a gate which another one looks out for looks never in a test. */
const NEVER = 3_600_000

async function migrated(database: ScratchDatabase) {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  return ledger
}

async function openGate(database: ScratchDatabase, options: Partial<GateOptions> = {}): Promise<WatchedGate> {
  const gate = gateOf({ url: database.url, manifest: app, pollInterval, ...options })
  await gate.whenOpen({ timeout: 5000 })
  return gate
}

/** Changes the ledger past its trigger. */
async function lose(database: ScratchDatabase): Promise<void> {
  await database.query(
    `begin; set local session_replication_role = replica; delete from schemagate.ledger where name = '0002_tickets'; commit`,
  )
}

describe.each([true, false])('with the fence: %s', fence => {
  test('a change that nobody tells of closes all', async ({ database }) => {
    await migrated(database)
    const gates = [await openGate(database, { fence })]
    for (let i = 0; i < 3; i++) gates.push(await openGate(database, { fence, staleAfter: NEVER }))
    await lose(database)
    await eventually(() => expect(gates.map(({ state }) => state)).toEqual(gates.map(() => 'behind')))
  })

  test('whose lookout has gone, takes its place at the next look', async ({ database }) => {
    await migrated(database)
    const first = await openGate(database, { fence })
    const second = await openGate(database, { fence, staleAfter: 1000 })
    const third = await openGate(database, { fence, staleAfter: NEVER })
    await first.close()
    await eventually(async () => expect(await lookouts(database)).toBe(1))
    await lose(database)
    await eventually(() => expect([second.state, third.state]).toEqual(['behind', 'behind']))
  })
})

/** How many sessions hold the lock. */
async function lookouts(database: ScratchDatabase): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `select count(*) from pg_locks where locktype = 'advisory' and objsubid = 2
     and database = (select oid from pg_database where datname = current_database())`,
  )
  return Number(rows[0]!.count)
}

test('a gate over another table looks out for none of them', async ({ database }) => {
  await migrated(database)
  await database.query(
    `create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('a1')`,
  )
  const followed: Manifest = {
    version: 2,
    follow: { tool: 'alembic' },
    head: 'a1_accounts',
    migrations: [{ key: 'a1', name: 'a1_accounts' }],
  }
  await openGate(database, { manifest: followed })
  const gate = await openGate(database, { staleAfter: NEVER })
  await lose(database)
  await eventually(() => expect(gate.state).toBe('behind'))
})

test('a lookout that may not read the ledger any more tells the others, whose role may', async ({ database }) => {
  await migrated(database)
  const role = database.role('app')
  await database.query(
    `create role ${role} login password 'x'; grant usage on schema schemagate to ${role};
     grant select on all tables in schema schemagate to ${role}`,
  )
  const lookout = await openGate(database, { url: database.urlFor(role, 'x') })
  const gate = await openGate(database, { staleAfter: NEVER })
  await database.query(
    `begin; set local session_replication_role = replica; delete from schemagate.ledger where name = '0002_tickets';
     revoke usage on schema schemagate from ${role}; commit`,
  )
  await eventually(() => expect([lookout.state, gate.state]).toEqual(['unreachable', 'behind']))
})

test('who wants to drop the ledger waits for none of them for long', async ({ database }) => {
  const ledger = await migrated(database)
  const gates = [await openGate(database)]
  for (let i = 0; i < 3; i++) gates.push(await openGate(database, { staleAfter: NEVER }))
  await ledger.drop()
  expect(gates.map(({ isOpen }) => isOpen)).toEqual(gates.map(() => false))
})

test('a gate that another one looks out for asks once in a while, and only on the session that holds the ledger', async ({
  database,
}) => {
  await migrated(database)
  const lookout = await openGate(database)
  const proxy = await tcpProxy(database.url)
  await openGate(database, { url: proxy.url(database.url), staleAfter: 2500 })
  const before = proxy.messages.length
  const sent = () => proxy.messages.slice(before)
  await eventually(() => expect(sent().length).toBeGreaterThan(3))
  expect(new Set(sent().map(({ connection }) => connection)).size).toBe(1)
  expect(lookout.isOpen).toBe(true)
})

test('a role that may only connect keeps a database from having a lookout, and no gate from closing', async ({
  database,
}) => {
  await migrated(database)
  const stranger = await database.connect()
  const { lockExpression } = new Lookout('schemagate', app, pollInterval)
  expect((await stranger.query(`select ${lockExpression} as has`)).rows).toEqual([{ has: 'true' }])
  const gates = [await openGate(database, { staleAfter: 2000 }), await openGate(database, { staleAfter: 2000 })]
  expect(await lookouts(database)).toBe(1)
  await lose(database)
  await eventually(() => expect(gates.map(({ state }) => state)).toEqual(['behind', 'behind']))
  await database.query(`update schemagate.ledger set name = name`)
  await stranger.end()
})

test.for([
  ['renamed', 'alter schema schemagate rename to before'],
  [
    'swapped',
    `create schema after; create table after.ledger (like schemagate.ledger including all);
     alter schema schemagate rename to before; alter schema after rename to schemagate`,
  ],
])('a gate without a lookout sees that the schema was %s while it holds the ledger', async ([, sql], { database }) => {
  await migrated(database)
  const stranger = await database.connect()
  const { lockExpression } = new Lookout('schemagate', app, pollInterval)
  await stranger.query(`select ${lockExpression}`)
  const gate = await openGate(database)
  const asked = performance.now()
  await database.query(sql!)
  await eventually(() => expect(gate.isOpen).toBe(false))
  // in ten seconds it takes its hold again, and would see it then
  expect(performance.now() - asked).toBeLessThan(5000)
  expect(gate.history.map(({ state }) => state)).toEqual(['open', 'unmigrated'])
  await stranger.end()
})
