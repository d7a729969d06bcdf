// A breaking migration and the apps that still run: they are told, finish what they have begun, and disconnect.

import { describe, expect } from 'vitest'
import { headHash, parseAnnouncement } from '../../../gate/protocol/announcement.ts'
import { ledgerTable } from '../../../gate/protocol/ledger.ts'
import { runLockKey } from '../../../gate/protocol/run-lock-key.ts'
import { ledgerDdl } from '../../../migrator/ledger/versions.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest, sha256, timeUntil } from './fixtures.ts'
import { traffic } from './traffic.ts'

const older = manifest('0001_users', '0002_tickets')
const newer = manifest('0001_users', '0002_tickets', { name: '0003_rename', breaking: true })
const NEVER = 3_600_000

/** What a migrator sees of the apps: the application names of gates, but for those that only look. */
async function names(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ application_name: string }>(
    `select application_name from pg_stat_activity
     where datname = $1 and application_name like 'schemagate:%' and application_name <> 'schemagate:looking'`,
    [database.name],
  )
  return rows.map(({ application_name }) => application_name)
}

/** The heads that are announced. */
async function announced(database: ScratchDatabase): Promise<string[]> {
  return (await names(database)).flatMap(name => parseAnnouncement(name)?.head ?? [])
}

/** A migrator that has written its intention into the ledger under the run lock, and told of it. */
async function migrator(database: ScratchDatabase) {
  const ledger = ledgerOf(database)
  const client = await database.connect()
  await client.query('select pg_advisory_lock($1, $2)', [...runLockKey('schemagate')])
  const breaking = { name: '0003_rename', breaking: true }
  return {
    announce: async () => {
      await ledger.begin(breaking)
      await ledger.notify({ event: 'breaking', migration: breaking.name, runId: 'a-run' })
    },
    apply: async () => {
      await database.query(`update schemagate.ledger set state = 'applied' where name = $1`, [breaking.name])
    },
    giveUp: async () => {
      await database.query(`delete from schemagate.ledger where name = $1`, [breaking.name])
      await client.query('select pg_advisory_unlock_all()')
      await ledger.notify({ event: 'released' })
    },
    end: () => client.end(),
  }
}

async function migrated(database: ScratchDatabase) {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  return ledger
}

test('who waits for the ledger is seen, in any schema', async ({ database }) => {
  for (const schema of ['schemagate', `odd "one's\\`]) {
    await database.query(ledgerDdl(schema))
    await database.query(
      `insert into ${ledgerTable(schema)} (name, checksum, position, kind, run_id, tool_version) values ('0001_users', $1, 1, 'sql', gen_random_uuid(), 'test')`,
      [sha256('0001_users')],
    )
    const gate = gateOf({ url: database.url, schema, manifest: manifest('0001_users') })
    await gate.whenOpen({ timeout: 5000 })
    expect(gate.enter()).toBe(true)
    const dropped = database.query(`drop table ${ledgerTable(schema)}`)
    await eventually(() => expect(gate.state).toBe('migrating'))
    gate.leave()
    await dropped
    await gate.close()
  }
})

describe('the announcement', () => {
  test('an app announces its head for as long as it runs', async ({ database }) => {
    await migrated(database)
    const gate = gateOf({ url: `${database.url}?application_name=mine`, manifest: older })
    await gate.whenOpen({ timeout: 5000 })
    const [name] = await names(database)
    expect(parseAnnouncement(name!)).toEqual({ hash: headHash('0002_tickets'), head: '0002_tickets' })
    await gate.close()
    await eventually(async () => expect(await names(database)).toEqual([]))
  })

  test('an app can be told not to announce itself', async ({ database }) => {
    await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older, announce: false })
    await gate.whenOpen({ timeout: 5000 })
    expect(await names(database)).toEqual([])
  })
})

describe('draining', () => {
  test('told of a migration that it does not know, a gate closes, ends what is inside, and disconnects', async ({
    database,
  }) => {
    await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older, pollInterval: NEVER })
    await gate.whenOpen({ timeout: 5000 })
    expect(gate.enter()).toBe(true)
    const run = await migrator(database)
    await run.announce()
    expect(await timeUntil(() => !gate.isOpen)).toBeLessThan(1000)
    expect(gate.status).toMatchObject({ state: 'too-old', migrations: ['0003_rename'] })
    await gate.check()
    expect(await announced(database)).toEqual(['0002_tickets'])
    gate.leave()
    await eventually(async () => expect(await names(database)).toEqual(['schemagate:drained']))
    await run.apply()
    await run.end()
    expect((await gate.check()).state).toBe('too-old')
  })

  test('closed by its app, a gate lets nothing in, and is there for a migrator until what is inside has ended', async ({
    database,
  }) => {
    await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older })
    await gate.whenOpen({ timeout: 5000 })
    expect(gate.enter()).toBe(true)
    const closing = gate.close()
    expect(gate.enter()).toBe(false)
    const run = await migrator(database)
    await run.announce()
    await gate.check()
    expect(await announced(database)).toEqual(['0002_tickets'])
    // its migrator takes it back
    await run.giveUp()
    await gate.check()
    expect(gate.detail).toContain('closed by the app itself')
    expect(gate.enter()).toBe(false)
    expect(await announced(database)).toEqual(['0002_tickets'])
    gate.leave()
    await closing
    await eventually(async () => expect(await names(database)).toEqual([]))
  })

  test('closed by its app, a gate cuts what stays inside', async ({ database }) => {
    await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older })
    await gate.whenOpen({ timeout: 5000 })
    const order: string[] = []
    gate.on('evict', () => order.push('evicted')).on('cut', () => order.push('cut'))
    expect(gate.enter()).toBe(true)
    await gate.close()
    await eventually(async () => expect(await names(database)).toEqual([]))
    expect(order).toEqual(['evicted', 'cut'])
  })

  test('every request that was let in is answered well before the migrator sees the app gone', async ({ database }) => {
    await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older })
    await gate.whenOpen({ timeout: 5000 })
    let inside = 0
    const latch = Promise.withResolvers<void>()
    const load = await traffic(gate, async () => {
      inside++
      await latch.promise
      inside--
    })
    await eventually(() => expect(inside).toBe(4))
    const run = await migrator(database)
    await run.announce()
    await timeUntil(() => !gate.isOpen)
    await gate.check()
    expect(await announced(database)).toEqual(['0002_tickets'])
    latch.resolve()
    await eventually(async () => expect(await announced(database)).toEqual([]), { interval: 5 })
    expect(inside).toBe(0)
    await eventually(() => expect(load.answers.some(({ status }) => status === 503)).toBe(true))
    const answers = await load.stop()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
  })

  test('what the app itself must end is waited for, and tried again if it fails', async ({ database }) => {
    await migrated(database)
    let calls = 0
    const queue = Promise.withResolvers<void>()
    const gate = gateOf({
      url: database.url,
      manifest: older,
      drain: async () => {
        if (++calls === 1) throw new Error('the queue is busy')
        await queue.promise
      },
    })
    await gate.whenOpen({ timeout: 5000 })
    const run = await migrator(database)
    await run.announce()
    await eventually(() => expect(calls).toBe(2))
    await gate.check()
    expect(await announced(database)).toEqual(['0002_tickets'])
    queue.resolve()
    await eventually(async () => expect(await announced(database)).toEqual([]))
  })

  test('an app that knows the migration stays open until it is under way', async ({ database }) => {
    const ledger = await migrated(database)
    await ledger.applyQuietly({ name: '0003_rename', breaking: true })
    const gate = gateOf({ url: database.url, manifest: newer })
    await gate.whenOpen({ timeout: 5000 })
    await ledger.notify({ event: 'breaking', migration: '0003_rename' })
    await gate.check()
    expect(gate.isOpen).toBe(true)
  })

  test('a migrator that thinks better of it opens the gate again, with the head announced', async ({ database }) => {
    await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older, pollInterval: NEVER, closedPollInterval: NEVER })
    await gate.whenOpen({ timeout: 5000 })
    const run = await migrator(database)
    await run.announce()
    await eventually(async () => expect(await names(database)).toEqual(['schemagate:drained']))
    await run.giveUp()
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(1000)
    expect(await announced(database)).toEqual(['0002_tickets'])
  })

  test('a gate that starts in the middle does not slip through', async ({ database }) => {
    await migrated(database)
    const run = await migrator(database)
    await run.announce()
    const gate = gateOf({ url: database.url, manifest: older })
    await eventually(async () => expect(await names(database)).toEqual(['schemagate:drained']))
    expect(gate.history.map(({ state }) => state)).toEqual(['too-old'])
  })

  test('a gate that loses its connections while it drains does not slip through either', async ({ database }) => {
    await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older })
    await gate.whenOpen({ timeout: 5000 })
    const run = await migrator(database)
    await run.announce()
    await eventually(async () => expect(await names(database)).toEqual(['schemagate:drained']))
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = $1 and application_name like 'schemagate:%'`,
      [database.name],
    )
    await eventually(() => expect(gate.history.map(({ state }) => state)).toContain('unreachable'))
    await eventually(async () => expect(await names(database)).toEqual(['schemagate:drained']))
    expect(gate.history.filter(({ state }) => state === 'open')).toHaveLength(1)
  })

  test('an app whose migration is about to be undone disconnects as well', async ({ database }) => {
    const ledger = await migrated(database)
    const gate = gateOf({ url: database.url, manifest: older })
    await gate.whenOpen({ timeout: 5000 })
    await database.query(`update schemagate.ledger set state = 'running' where name = '0002_tickets'`)
    await ledger.notify({ event: 'reverting', migration: '0002_tickets' })
    await eventually(async () => expect(await names(database)).toEqual(['schemagate:drained']))
    expect(gate.status).toMatchObject({ state: 'migrating', migrations: ['0002_tickets'] })
    await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
    expect((await gate.check()).detail).toContain('lacks 0002_tickets')
  })

  test('an app that starts while its migration is being undone disconnects too', async ({ database }) => {
    await migrated(database)
    await database.query(`update schemagate.ledger set state = 'running' where name = '0002_tickets'`)
    const gate = gateOf({ url: database.url, manifest: older })
    await eventually(async () => expect(await names(database)).toEqual(['schemagate:drained']))
    expect(gate.state).toBe('migrating')
    await database.query(`update schemagate.ledger set state = 'applied'`)
    await gate.whenOpen({ timeout: 2000 })
    expect(await announced(database)).toEqual(['0002_tickets'])
  })
})
