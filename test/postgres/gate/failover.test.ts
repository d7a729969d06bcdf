// An app and more than one Postgres: its gate closes while there is no primary, and opens at the new one if that matches.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { guardPool } from '../../../gate/pools/pg.ts'
import { removeDataDir } from '../../../scripts/lib/postgres/data.ts'
import { healthy, migrate, newUser, startApp, writeManifest } from '../../helpers/app-process.ts'
import { eventually } from '../../helpers/eventually.ts'
import { ask, preparedData, replicaPair, urlOf } from '../../helpers/replication.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { gateOf, ledgerOf, manifest, poolOf, timeUntil } from './fixtures.ts'
import { served, traffic } from './traffic.ts'

const app = manifest('0001_users', '0002_tickets')

let data = ''
beforeAll(async () => {
  data = await preparedData(async server => {
    const ledger = ledgerAt(server)
    await ledger.create()
    await ledger.applyQuietly('0001_users')
  })
})
afterAll(() => removeDataDir(data))

/** A ledger written by hand, over connections of its own. */
function ledgerAt(server: { readonly url: string }) {
  const query = async (sql: string, params?: unknown[]) => {
    await ask(server, sql, params)
  }
  return ledgerOf({ query })
}

/** Two servers with the app's schema, and its gate, open at the first: a primary behind a proxy that can fall silent. */
async function matchingPair() {
  const pair = await replicaPair(data)
  const { primary, standby } = pair
  await ledgerAt(primary).applyQuietly('0002_tickets')
  await pair.caughtUp()
  const proxy = await tcpProxy(primary.url)
  const url = urlOf([{ url: proxy.url(primary.url) }, standby])
  const gate = gateOf({ url, manifest: app, staleAfter: 1000, pollInterval: 200 })
  await gate.whenOpen({ timeout: 5000 })
  expect(gate.host).toBe(0)
  return { primary, standby, proxy, url, gate }
}

test('over a failover no request is answered until the new primary has the schema, and then by the new primary', async () => {
  const pair = await replicaPair(data)
  const { primary, standby } = pair
  await pair.disconnect()
  await ledgerAt(primary).applyQuietly('0002_tickets')
  // the standby comes first and lacks the schema: a writing app does not want it
  const url = urlOf([standby, primary])
  const gate = gateOf({ url, manifest: app })
  const pool = guardPool(gate, poolOf({ connectionString: url, max: 4 }))
  const port = async () => (await pool.query<{ port: string }>(`select current_setting('port') as port`)).rows[0]?.port
  await gate.whenOpen({ timeout: 5000 })
  expect(await port()).toBe(String(primary.port))
  const load = await traffic(gate, port)

  await eventually(() => expect(load.answers.some(({ status }) => status === 200)).toBe(true))
  const before = gate.history.length
  await pair.failOver()
  const promoted = performance.now()
  await eventually(() => expect(gate.state).toBe('behind'))
  expect(gate.history.slice(before).map(({ state }) => state)).not.toContain('open')
  const matches = performance.now()
  await ledgerAt(standby).apply('0002_tickets')
  const closedUntil = performance.now()
  await gate.whenOpen({ timeout: 2000 })
  await eventually(() =>
    expect(load.answers.some(({ sent, status }) => sent > closedUntil && status === 200)).toBe(true),
  )
  const answers = await load.stop()
  expect(served(answers, promoted, matches)).toEqual([])
  expect(await port()).toBe(String(standby.port))
})

test('the gate is open within two seconds of the new primary, also when the old one is only silent', async () => {
  for (const silent of [false, true]) {
    const { primary, standby, proxy, gate } = await matchingPair()
    if (silent) proxy.pause()
    else await primary.stop('immediate')
    await timeUntil(() => !gate.isOpen)
    // closed for as long as there is no primary, whatever the standby has
    await eventually(() => expect(gate.detail).toContain('target_session_attrs'))
    await ask(standby, 'select pg_promote()')
    const there = performance.now()
    await gate.whenOpen({ timeout: 5000 })
    const late = performance.now() - there
    console.log(`${silent ? 'silent' : 'stopped'}: open ${Math.round(late)} ms after the promotion`)
    expect(late).toBeLessThan(2000)
    expect(gate.host).toBe(1)
  }
})

test('a connection that was being made to the old primary when the gate went to the new one is not given out', async () => {
  const { standby, proxy, url, gate } = await matchingPair()
  const pool = guardPool(gate, poolOf({ connectionString: url, max: 4 }))
  proxy.pause()
  const early = pool.query('select 1').then(
    () => 'answered',
    (error: Error) => error,
  )
  await timeUntil(() => !gate.isOpen)
  await ask(standby, 'select pg_promote()')
  await gate.whenOpen({ timeout: 5000 })
  expect(gate.host).toBe(1)
  // the old primary was only silent: it still takes connections, and has the schema
  proxy.resume()
  expect(await early).toMatchObject({ name: 'GateClosedError', status: { state: 'unreachable' } })
  expect((await pool.query(`select current_setting('port') as port`)).rows).toEqual([{ port: String(standby.port) }])
})

test('a gate that may be at a standby is not open there while it lacks the schema', async () => {
  const pair = await replicaPair(data)
  const { primary, standby } = pair
  await ask(standby, 'select pg_wal_replay_pause()')
  await ledgerAt(primary).applyQuietly('0002_tickets')
  const gate = gateOf({ url: urlOf([primary, standby], 'prefer-standby'), manifest: app })
  await eventually(() => expect(gate.state).toBe('behind'))
  expect(gate.host).toBe(1)
  await ask(standby, 'select pg_wal_replay_resume()')
  await gate.whenOpen({ timeout: 2000 })
  expect(gate.history.map(({ state }) => state)).toEqual(['behind', 'open'])
  // without a standby any server will do
  await standby.stop('immediate')
  await eventually(() => expect({ state: gate.state, host: gate.host }).toEqual({ state: 'open', host: 0 }))
})

test('a pool with other hosts than its gate is refused', async () => {
  const gate = gateOf({ url: 'postgres://u@127.0.0.1:1,127.0.0.1:2/d', manifest: app })
  expect(() =>
    guardPool(gate, poolOf({ connectionString: 'postgres://u@127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/d' })),
  ).toThrow(TypeError)
})

test('the example app serves again after a failover, within two seconds and without a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-failover-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const pair = await replicaPair(data)
  const { primary, standby } = pair
  await ask(primary, 'drop schema schemagate cascade')
  await migrate(urlOf([standby, primary]), { SCHEMAGATE_APP_ROLE: 'app', SCHEMAGATE_APP_PASSWORD: 'app-password' })
  const service = await startApp({
    DATABASE_URL: urlOf([primary, standby]).replace(/\/\/[^@]*@/, '//app:app-password@'),
    SCHEMAGATE_MANIFEST: await writeManifest(folder),
    AUTH_RATE_LIMIT: '0',
  })
  await healthy(service)
  const user = await newUser(service)
  await pair.caughtUp()
  await pair.failOver()
  const there = performance.now()
  await healthy(service)
  expect(performance.now() - there).toBeLessThan(2000)
  const ticket = { body: { title: 'after the failover' }, token: user.token }
  const { status, text } = await service.request('POST', '/api/v1/tickets', ticket)
  expect(status, text).toBe(201)
})
