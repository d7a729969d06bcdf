// A long day in small: whatever comes and goes, the service keeps no listener, no connection and no memory of it.

import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { describe, expect } from 'vitest'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { ownServer } from '../../helpers/server.ts'
import { ledgerOf, manifest } from '../gate/fixtures.ts'
import { forwarded, type GateService, gateService } from './fixtures.ts'

const isLong = process.env.TEST_LONG === '1'
const app = manifest('0001_users')

/** What the process has open, and its memory. */
function held({ running }: GateService) {
  const status = readFileSync(`/proc/${running.pid}/status`, 'utf8')
  return {
    sockets: readdirSync(`/proc/${running.pid}/fd`).length,
    megabytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024,
  }
}

async function is(gate: GateService, status: number): Promise<void> {
  await eventually(async () => expect(await gate.ready()).toBe(status), { timeout: 30_000, interval: 5 })
}

describe('what comes and goes leaves nothing', () => {
  test(`${isLong ? 200 : 10} closings with requests that wait, and ${isLong ? 100 : 5} ended sessions`, {
    timeout: isLong ? 1_200_000 : 120_000,
  }, async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.apply('0001_users')
    const gate = await gateService({ url: database.url, manifest: app, args: ['--hold', '30s', '--drain', '10ms'] })
    await is(gate, 200)
    const once = async () => {
      await database.query("update schemagate.ledger set state = 'running'")
      await is(gate, 503)
      const waiting = Array.from({ length: 10 }, () => gate.get('/ready', forwarded))
      await database.query("update schemagate.ledger set state = 'applied'")
      for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200)
      await is(gate, 200)
    }
    for (let i = 0; i < (isLong ? 50 : 5); i++) await once()
    const before = held(gate)
    for (let i = 0; i < (isLong ? 200 : 10); i++) await once()
    for (let i = 0; i < (isLong ? 100 : 5); i++) {
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name like 'schemagate:%'`,
        [database.name],
      )
      await is(gate, 200)
    }
    await eventually(async () => expect(held(gate).sockets).toBeLessThanOrEqual(before.sockets + 2), {
      timeout: 90_000,
    })
    const after = held(gate)
    console.log('before', before, 'after', after)
    expect(after.megabytes).toBeLessThan(before.megabytes + 40)
    expect(gate.running.output).not.toContain('MaxListenersExceededWarning')
    expect(await gate.metric('schemagate_gate_held')).toBe(0)
  })

  test(`a database that was restarted ${isLong ? 50 : 2} times`, { timeout: isLong ? 1_200_000 : 120_000 }, async ({
    database: _,
  }) => {
    const server = await ownServer()
    const client = new pg.Client(server.url)
    await client.connect()
    const ledger = ledgerOf(client)
    await ledger.create()
    await ledger.apply('0001_users')
    await client.end()
    const gate = await gateService({ url: server.url, manifest: app, args: ['--drain', '10ms'] })
    await is(gate, 200)
    const before = held(gate)
    for (let i = 0; i < (isLong ? 50 : 2); i++) {
      await server.restart()
      await is(gate, 200)
    }
    await eventually(async () => expect(held(gate).sockets).toBeLessThanOrEqual(before.sockets + 2), {
      timeout: 90_000,
    })
    const after = held(gate)
    console.log('before', before, 'after', after)
    expect(after.megabytes).toBeLessThan(before.megabytes + 40)
  })
})
