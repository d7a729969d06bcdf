// A notification is a hint, and only the ledger counts: what a role that may only connect can do to a gate.

import { escapeIdentifier } from 'pg'
import { describe, expect } from 'vitest'
import { announce } from '../../../gate/protocol/announcement.ts'
import { runLockKey } from '../../../gate/protocol/run-lock-key.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { gateOf, ledgerOf, manifest } from './fixtures.ts'
import { traffic } from './traffic.ts'

const app = manifest('0001_users', '0002_tickets')
const breaking = { name: '0003_rename', breaking: true }

async function migrated(database: ScratchDatabase) {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  return ledger
}

/** A session of a role that may connect, and has no right on anything. */
async function stranger(database: ScratchDatabase) {
  const user = database.role('stranger')
  await database.query(`create role ${escapeIdentifier(user)} login password 'x'`)
  return database.connect({ user, password: 'x' })
}

const payloads = [
  '',
  'no json',
  '[]',
  'null',
  '{"event":7,"migration":7}',
  ...['breaking', 'reverting', 'released', 'published', 'changed', 'x'].flatMap(event =>
    [undefined, '0001_users', '0002_tickets', '0003_rename'].map(migration => JSON.stringify({ event, migration })),
  ),
]

describe('a role that may only connect', () => {
  test('closes no gate: not by any notification, the run lock, or a name', async ({ database }) => {
    const ledger = await migrated(database)
    const gate = gateOf({ url: database.url, manifest: app, closedPollInterval: 60_000 })
    await gate.whenOpen({ timeout: 5000 })
    const load = await traffic(gate)
    const it = await stranger(database)
    const key = runLockKey('schemagate').join(', ')
    for (const lock of ['pg_advisory_lock', 'pg_advisory_lock_shared']) {
      await it.query(`select ${lock}(${key})`)
      for (const name of ['schemagate migrator x 1', announce(manifest('0000_old')), 'schemagate:drained']) {
        await it.query(`set application_name = ${escapeIdentifier(name)}`)
        for (const payload of payloads) await it.query('select pg_notify($1, $2)', ['schemagate', payload])
        expect((await gate.check()).state).toBe('open')
      }
      await it.query('select pg_advisory_unlock_all()')
    }
    const before = load.answers.length
    await eventually(() => expect(load.answers.length).toBeGreaterThan(before + 20))
    const answers = await load.stop()
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(gate.history.map(({ state }) => state)).toEqual(['open'])

    // what stands in the ledger closes it all the same, and what stands there no more opens it, told or not
    await ledger.begin(breaking)
    await it.query('select pg_notify($1, $2)', ['schemagate', '{"event":"released"}'])
    expect((await gate.check()).state).toBe('too-old')
    await database.query(`delete from schemagate.ledger where name = $1`, [breaking.name])
    expect((await gate.check()).state).toBe('open')
  })

  test('has a gate look a few times for a flood of notifications, and it still learns what the ledger says', async ({
    database,
  }) => {
    const ledger = await migrated(database)
    const proxy = await tcpProxy(database.url)
    const gate = gateOf({ url: proxy.url(database.url), manifest: app, pollInterval: 3_600_000 })
    await gate.whenOpen({ timeout: 5000 })
    const it = await stranger(database)
    const before = proxy.messages.length
    const flood = async () => {
      for (let i = 0; i < 50; i++)
        await it.query(
          `do $$ begin for i in 1..100 loop perform pg_notify('schemagate', ${i} || '.' || i); end loop; end $$`,
        )
    }
    await flood()
    await eventually(() => expect(proxy.messages.filter(({ sql }) => sql === 'unlisten *')).toHaveLength(1))
    // 5000 notifications: at the most a look for each hundred of them, of two queries each
    expect(proxy.messages.length - before).toBeLessThan(100)
    expect(gate.history.map(({ state }) => state)).toEqual(['open'])
    // it hears nothing, and looks
    await ledger.begin(breaking)
    await eventually(() => expect(gate.state).toBe('too-old'))
  })
})

test('an empty ledger is told from one whose rows are hidden', async ({ database }) => {
  await migrated(database)
  const user = database.role('app')
  const role = escapeIdentifier(user)
  await database.query(
    `create role ${role} login password 'x'; grant usage on schema schemagate to ${role}; grant select on schemagate.ledger to ${role}`,
  )
  const gate = gateOf({ url: database.urlFor(user, 'x'), manifest: app })
  await gate.whenOpen({ timeout: 5000 })
  await database.query('alter table schemagate.ledger enable row level security')
  expect(await gate.check()).toMatchObject({ state: 'unmigrated', missing: ['0001_users', '0002_tickets'] })
  expect(gate.detail).toMatch(
    /Row level security on the ledger hides rows .*disable row level security, or run schemagate up/,
  )
  await database.query(`create policy one on schemagate.ledger using (name = '0001_users')`)
  expect(await gate.check()).toMatchObject({ state: 'behind', missing: ['0002_tickets'] })
  expect(gate.detail).toContain('Row level security')
  await database.query('alter table schemagate.ledger disable row level security')
  await gate.whenOpen({ timeout: 5000 })
  await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
  expect((await gate.check()).detail).not.toContain('Row level security')
})
