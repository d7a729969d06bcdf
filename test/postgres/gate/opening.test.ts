// The gate on a real database: what opens it, what closes it, and how soon.

import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { GateTimeoutError } from '../../../gate/status.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest, sha256, timeUntil } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')
// A poll that never comes in a test: what happens then was told by the database.
const NEVER = 3_600_000

describe('opening', () => {
  test('a gate starts closed, and opens on a database that matches', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app })
    expect(gate.isOpen).toBe(false)
    expect(gate.state).toBe('unreachable')
    await gate.whenOpen({ timeout: 5000 })
    expect(gate.status).toMatchObject({ state: 'open', head: '0002_tickets', database: { head: '0002_tickets' } })
  })

  test('it says what is wrong until a migrator has run, and opens when told, without a poll', async ({ database }) => {
    const ledger = ledgerOf(database)
    const gate = gateOf({ url: database.url, manifest: app, pollInterval: NEVER, closedPollInterval: NEVER })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    await ledger.create()
    await ledger.apply('0001_users')
    await eventually(() => expect(gate.status).toMatchObject({ state: 'behind', missing: ['0002_tickets'] }))
    expect(gate.detail).toContain('0002_tickets')
    await ledger.apply('0002_tickets')
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(1000)
  })

  test('it opens within a second without a notification, too', async ({ database }) => {
    const ledger = ledgerOf(database)
    const gate = gateOf({ url: database.url, manifest: app })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(1000)
  })

  test('it opens by itself when the server and the role come into being after the app', async ({ database }) => {
    const role = database.role('app')
    const gate = gateOf({ url: database.urlFor(role, 'app-password'), manifest: app })
    await eventually(() => expect(gate.detail).toContain("refuses this app's login"))
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await database.query(`create role ${role} login password 'app-password'`)
    await eventually(() => expect(gate.detail).toContain('may not read the ledger (42501)'))
    await database.query(`grant usage on schema schemagate to ${role}; grant select on schemagate.ledger to ${role}`)
    expect(await timeUntil(() => gate.isOpen)).toBeLessThan(1000)
  })

  test('it is open to an app whose repeatable migration has moved on since', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    const built = manifest('0001_users', { name: 'R__views', kind: 'repeatable', checksum: sha256('then') })
    await ledger.applyQuietly('0001_users', { name: 'R__views', kind: 'repeatable', checksum: sha256('now') })
    const gate = gateOf({ url: database.url, manifest: built })
    await eventually(() => expect(gate.status).toMatchObject({ state: 'behind', missing: ['R__views'] }))
    await database.query(`update schemagate.ledger set journal = $1 where name = 'R__views'`, [
      JSON.stringify({ earlier: [sha256('before'), sha256('then')] }),
    ])
    await gate.whenOpen({ timeout: 2000 })
    expect(gate.status.database).toEqual({ head: '0001_users' })
  })

  test('it reads the ledger of the schema that it is told, whatever its name', async ({ database }) => {
    const schema = `odd "schema's\\name`
    const quoted = schema.replaceAll('"', '""')
    const ledger = ledgerOf(database, quoted)
    await database.query(`create schema "${quoted}"`)
    const { ledgerDdl } = await import('../../../migrator/ledger/versions.ts')
    await database.query(ledgerDdl(schema))
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, schema })
    await gate.whenOpen({ timeout: 5000 })
  })
})

describe('closing', () => {
  test('each way in which a ledger stops to match closes it, and says why', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, pollInterval: 100 })
    const restore = async () => {
      await database.query(`update schemagate.ledger set checksum = $1 where name = '0002_tickets'`, [
        sha256('0002_tickets'),
      ])
      await database.query(`update schemagate.ledger set state = 'applied'`)
      await database.query(`delete from schemagate.ledger where breaking`)
      await eventually(() => expect(gate.state).toBe('open'))
    }
    await restore()

    await database.query(`update schemagate.ledger set checksum = 'other' where name = '0002_tickets'`)
    await eventually(() => expect(gate.status).toMatchObject({ state: 'diverged', migrations: ['0002_tickets'] }))
    await restore()

    await database.query(`update schemagate.ledger set state = 'running' where name = '0002_tickets'`)
    await eventually(() => expect(gate.status).toMatchObject({ state: 'migrating', migrations: ['0002_tickets'] }))
    await restore()

    await ledger.applyQuietly({ name: '0003_harmless' })
    expect((await gate.check()).state).toBe('open')
    expect(gate.status.database).toEqual({ head: '0003_harmless' })

    await ledger.applyQuietly({ name: '0004_rename', breaking: true })
    await eventually(() => expect(gate.status).toMatchObject({ state: 'too-old', migrations: ['0004_rename'] }))
    await restore()

    await database.query(`delete from schemagate.ledger where name = '0001_users'`)
    await eventually(() => expect(gate.status).toMatchObject({ state: 'behind', missing: ['0001_users'] }))
  })

  test('a look that is asked for sees what was committed before it was asked for', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, pollInterval: NEVER })
    await gate.whenOpen({ timeout: 5000 })
    for (const [from, to, state] of [
      ['applied', 'running', 'migrating'],
      ['running', 'applied', 'open'],
    ] as const) {
      await database.query(`update schemagate.ledger set state = $2 where state = $1`, [from, to])
      expect((await gate.check()).state).toBe(state)
    }
  })

  test('an error of the app that speaks of a missing table makes it look at once', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, pollInterval: NEVER })
    await gate.whenOpen({ timeout: 5000 })
    await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
    const error = await database.query('select * from tickets').catch((cause: unknown) => cause)
    gate.observe(error)
    expect(await timeUntil(() => !gate.isOpen)).toBeLessThan(1000)
    expect(gate.state).toBe('behind')
  })

  test('an error of the app that speaks of something else does not', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, pollInterval: NEVER })
    await gate.whenOpen({ timeout: 5000 })
    const looks = async () => {
      const { rows } = await database.query<{ query_start: Date }>(
        `select query_start from pg_stat_activity where application_name like 'schemagate:%' and application_name <> 'schemagate:looking' and datname = $1`,
        [database.name],
      )
      return rows[0]?.query_start.getTime()
    }
    const before = await looks()
    gate.observe(await database.query('select 1 / 0').catch((cause: unknown) => cause))
    gate.observe(undefined)
    gate.observe(new Error('of no database'))
    await gate.check()
    const after = await looks()
    // One look was asked for; had the errors caused any, `check` would have found one under way and added its own.
    expect(after).toBeGreaterThan(before!)
    expect(gate.history.map(({ state }) => state)).toEqual(['open'])
  })
})

test('a gate that finds its last answer too old for a clock that was set looks at once', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.apply('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app, pollInterval: NEVER, closedPollInterval: NEVER })
  await gate.whenOpen({ timeout: 5000 })
  const set = Date.now() + 3_600_000
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => set)
  onTestFinished(() => clock.mockRestore())
  expect(gate.isOpen).toBe(false)
  // as the answer to a request tells
  expect(gate.state).toBe('unreachable')
  await gate.whenOpen({ timeout: 2000 })
})

describe('waiting', () => {
  test('waiting for a gate ends with the time, the signal or the end of the gate', async ({ database }) => {
    const gate = gateOf({ url: database.url, manifest: app })
    const late = gate.whenOpen({ timeout: 50 })
    await expect(late).rejects.toThrow(GateTimeoutError)
    await expect(late).rejects.toMatchObject({ name: 'GateTimeoutError' })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    await expect(gate.whenOpen({ timeout: 50 })).rejects.toThrow('(unmigrated)')
    // no limit, where setTimeout would take a millisecond
    const endless = gate.whenOpen({ timeout: Infinity }).catch((error: unknown) => error)
    expect(await Promise.race([endless, pause(100, 'waits')])).toBe('waits')
    await expect(gate.whenOpen({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    const abort = new AbortController()
    const waiting = gate.whenOpen({ signal: abort.signal })
    abort.abort(new Error('enough now'))
    await expect(waiting).rejects.toThrow('enough now')
    const forGood = gate.whenOpen()
    await Promise.all([expect(forGood).rejects.toThrow('closed by the app itself'), gate.close()])
    expect(gate.listenerCount('change')).toBe(1)
  })

  test('ended, a gate leaves no connection behind and stays closed', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app })
    await gate.whenOpen({ timeout: 5000 })
    await gate.close()
    expect(gate.isOpen).toBe(false)
    expect((await gate.check()).detail).toContain('closed by the app itself')
    await expect(gate.whenOpen()).rejects.toThrow('closed by the app itself')
    await gate.close()
    await eventually(async () => {
      const { rows } = await database.query(
        `select application_name from pg_stat_activity where datname = $1 and application_name <> 'test'`,
        [database.name],
      )
      expect(rows).toEqual([])
    })
  })

  test('work runs inside the gate, or not at all', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    const gate = gateOf({ url: database.url, manifest: app })
    await expect(gate.run(() => 'done')).rejects.toThrow('The gate is closed')
    await ledger.apply('0001_users', '0002_tickets')
    await gate.whenOpen({ timeout: 5000 })
    expect(await gate.run(async () => 'done')).toBe('done')
  })
})
