// The installed gate on a real database, for any Node that it declares. Run by installed.test.ts in an empty project:
// vitest needs a newer Node.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import {
  createGate,
  GateTimeoutError,
  gateMiddleware,
  guardPool,
  poolConfig,
  readConnection,
  readManifest,
} from 'schemagate-gate'
import { gatePlugin } from 'schemagate-gate/fastify'

const url = process.env.DATABASE_URL
const manifest = readManifest('manifest.json')
const connection = readConnection()
const pool = new pg.Pool(poolConfig(connection))
const gate = createGate({ connection, manifest, pollInterval: 100, closedPollInterval: 20 })
guardPool(gate, pool)
const admin = new pg.Client({ connectionString: url })
await admin.connect()

const middleware = gateMiddleware(gate)
const server = createServer((request, response) => middleware(request, response, () => response.end('served')))
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const address = `http://127.0.0.1:${server.address().port}/`

after(async () => {
  server.close()
  await Promise.all([gate.close(), pool.end(), admin.end()])
})

async function eventually(check) {
  for (let i = 0; ; i++) {
    try {
      return await check()
    } catch (error) {
      if (i === 200) throw error
      await pause(25)
    }
  }
}

async function setChecksum(checksum) {
  const { name } = manifest.migrations[0]
  await admin.query('update schemagate.ledger set checksum = $1 where name = $2', [checksum, name])
}

test('serves a database that has the schema', async () => {
  await gate.whenOpen({ timeout: 10_000 })
  const response = await fetch(address)
  assert.equal(await response.text(), 'served')
  const { rows } = await pool.query('select count(*)::int as tickets from tickets')
  assert.deepEqual(rows, [{ tickets: 0 }])
  assert.equal(await gate.run(() => 'worked'), 'worked')
})

test('answers 503 while the database has another history, and serves again after it', async () => {
  await setChecksum('other')
  await eventually(async () => {
    const response = await fetch(address)
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '1')
    assert.equal((await response.json()).state, 'diverged')
  })
  await assert.rejects(gate.whenOpen({ timeout: 10 }), GateTimeoutError)
  await assert.rejects(gate.whenOpen({ signal: AbortSignal.timeout(10) }), { name: 'TimeoutError' })
  await setChecksum(manifest.migrations[0].checksum)
  await gate.whenOpen({ timeout: 10_000 })
  assert.equal((await fetch(address)).status, 200)
})

test('is a plugin for Fastify', async () => {
  const { fastify } = createRequire(process.env.FASTIFY_FROM)('fastify')
  const app = fastify()
  await app.register(gatePlugin, { gate })
  app.get('/', async () => 'served')
  assert.equal((await app.inject('/')).body, 'served')
  await app.close()
})
