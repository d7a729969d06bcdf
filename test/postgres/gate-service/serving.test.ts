// The gate as a service: what each path answers, and what becomes of bad settings and bad requests.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { ledgerOf, manifest } from '../gate/fixtures.ts'
import { gateService, manifestFile } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

async function migrated(database: ScratchDatabase) {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  return ledger
}

describe('/ready', () => {
  test('is 503 with the state until the database matches, then 200, and 503 again when the ledger is dropped', async ({
    database,
  }) => {
    const gate = await gateService({ url: database.url, manifest: app })
    const closed = await gate.get('/ready')
    expect(closed.status).toBe(503)
    expect(closed.headers.get('content-type')).toContain('application/problem+json')
    expect(closed.headers.get('retry-after')).toBe('1')
    await eventually(async () => {
      const response = await gate.get('/ready')
      expect(response.headers.get('x-schemagate-state')).toBe('unmigrated')
      expect(await response.json()).toMatchObject({ status: 503, state: 'unmigrated', head: '0002_tickets' })
    })

    const ledger = await migrated(database)
    await eventually(async () => expect(await gate.ready()).toBe(200))
    expect(await gate.metric('schemagate_gate_open')).toBe(1)
    await ledger.drop()
    expect(await gate.ready()).toBe(503)
    expect(await gate.metric('schemagate_gate_state{state="open"}')).toBe(0)
    expect(await gate.metric('schemagate_gate_changes_total{state="open"}')).toBe(1)
  })

  test('is 503 while there is no database, and the process lives', async ({ database }) => {
    await migrated(database)
    const proxy = await tcpProxy(database.url)
    const gate = await gateService({ url: proxy.url(database.url), manifest: app })
    await eventually(async () => expect(await gate.ready()).toBe(200))
    proxy.refuse(true)
    proxy.cut()
    await eventually(async () => expect(await gate.ready()).toBe(503))
    expect((await gate.get('/live')).status).toBe(200)
    expect(gate.running.child.exitCode).toBeNull()
    proxy.refuse(false)
    await eventually(async () => expect(await gate.ready()).toBe(200))
  })
})

test('a process that stands still keeps the ledger until its gate is closed, and not much longer', async ({
  database,
}) => {
  const ledger = await migrated(database)
  const gate = await gateService({ url: database.url, manifest: app })
  await eventually(async () => expect(await gate.ready()).toBe(200))
  gate.running.kill('SIGSTOP')
  const stopped = performance.now()
  await ledger.drop()
  const held = performance.now() - stopped
  gate.running.kill('SIGCONT')
  expect(await gate.ready()).toBe(503)
  // the last answer counts for 5 s, the server's patience is 7 s, and of both some has passed
  expect(held).toBeGreaterThan(4_000)
  expect(held).toBeLessThan(10_000)
})

test('a question that came while the process stood still is answered by what the database has now', async ({
  database,
}) => {
  await migrated(database)
  const gate = await gateService({ url: database.url, manifest: app })
  await eventually(async () => expect(await gate.ready()).toBe(200))
  const asked = async (change: string) => {
    gate.running.kill('SIGSTOP')
    await database.query(change)
    await database.query('select pg_sleep(1.2)')
    const answer = gate.ready()
    await database.query('select pg_sleep(0.3)')
    gate.running.kill('SIGCONT')
    return answer
  }
  expect(await asked('select 1')).toBe(200)
  expect(await asked('delete from schemagate.ledger')).toBe(503)
})

describe('it ends with 2 and says why', () => {
  const env = {
    DATABASE_URL: 'postgres://app@127.0.0.1:1/none',
    SCHEMAGATE_GATE_LISTEN: '127.0.0.1:0',
    LOG_FORMAT: 'json',
  }
  const gate = (...args: string[]) => schemagate(['gate', ...args], { env, timeout: 10_000 })

  test('without a manifest, or with one of another format', async () => {
    for (const [content, says] of [
      ['{"version":7,"migrations":[]}', 'is not a manifest: its version is 7'],
      ['not JSON', 'is not a manifest'],
    ] as const) {
      const { code, output } = await gate('--manifest', await manifestFile(content))
      expect(code).toBe(2)
      expect(output).toContain(says)
    }
    const missing = await gate('--manifest', '/nowhere/manifest.json')
    expect([missing.code, missing.output]).toEqual([2, expect.stringContaining('cannot be read')])
    const empty = await gate('--dir', await folder({}))
    expect(empty.code).toBe(2)
  })

  test('with an address that is taken, none of this machine, or none at all', async () => {
    const file = await manifestFile(app)
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const results = await Promise.all(
      [`127.0.0.1:${port}`, '192.0.2.1:8080', 'everywhere', '127.0.0.1:99999'].map(address =>
        gate('--listen', address, '--manifest', file).then(({ code, output }) => ({ code, output })),
      ),
    )
    other.close()
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2, 2])
    expect(results[0]!.output).toContain('another process listens there (EADDRINUSE)')
    expect(results[1]!.output).toContain('no address of this machine')
    expect(results[2]!.output).toContain('Write HOST:PORT')
    for (const { output } of results) expect(output).not.toContain('closed by the app')
  })

  test('with a token file that is missing or empty', async () => {
    const file = await manifestFile(app)
    for (const token of ['/nowhere/token', await manifestFile('\n')]) {
      const { code, output } = await gate('--manifest', file, '--token-file', token)
      expect(code).toBe(2)
      expect(output).toContain('--token-file')
    }
  })
})

test('a token protects the metrics and not /ready and /live, whose askers have none', async ({ database }) => {
  const token = 'a token of 34 bytes, or so it saÿs'
  const gate = await gateService({
    url: database.url,
    manifest: app,
    args: ['--token-file', await manifestFile(`${token}\n`)],
  })
  const ask = async (authorization: string) => (await gate.get('/metrics', { authorization })).status
  const basic = (password: string) => `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`
  expect((await gate.get('/metrics')).status).toBe(401)
  // as the bytes of UTF-8, of which fetch takes each as a character
  const sent = Buffer.from(token).toString('latin1')
  for (const wrong of ['Bearer', 'Bearer wrong', basic('wrong'), basic(''), `Digest ${sent}`])
    expect(await ask(wrong), wrong).toBe(401)
  for (const right of [`Bearer ${sent}`, `bearer  ${sent}`, basic(token)]) expect(await ask(right), right).toBe(200)
  expect([await gate.ready(), (await gate.get('/live')).status]).toEqual([503, 200])
  expect(gate.running.output).not.toContain(token)
})

/** Sends bytes as they are, and returns everything that came back until the server closed the connection. */
async function raw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', text => {
    answer += text
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

test('hostile requests are refused, cost the database nothing, and keep no connection', async ({ database }) => {
  await migrated(database)
  const gate = await gateService({ url: database.url, manifest: app })
  await eventually(async () => expect(await gate.ready()).toBe(200))
  const status = async (path: string, init: RequestInit = {}) => (await fetch(gate.url + path, init)).status
  expect(await status('/ready', { method: 'POST', body: 'x'.repeat(100_000) })).toBe(405)
  expect(await status('/ready', { method: 'DELETE' })).toBe(405)
  expect(await status('/__proto__')).toBe(404)
  expect(await status(`/ready?${'x'.repeat(70_000)}`)).toBe(431)
  // Caddy sends the client's query along
  expect(await status(`/ready?${'x'.repeat(16_000)}`)).toBe(200)
  expect((await fetch(`${gate.url}/ready`, { method: 'HEAD' })).status).toBe(200)
  // the last three do not end by themselves: they are cut off after five seconds
  const answers = await Promise.all([
    raw(gate.url, `GET /ready HTTP/1.1\r\nHost: x\r\nCookie: ${'x'.repeat(70_000)}\r\n\r\n`),
    raw(gate.url, 'NONSENSE\r\n\r\n'),
    raw(gate.url, ''),
    raw(gate.url, 'GET /ready HTTP/1.1\r\nHost: x\r\n'),
    raw(gate.url, 'GET /ready HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n'),
  ])
  expect(answers.map(answer => answer.slice(9, 12))).toEqual(['431', '400', '408', '408', '200'])
  const { rows } = await database.query<{ sessions: number }>(
    `select count(*)::int as sessions from pg_stat_activity where datname = $1 and application_name like 'schemagate:%'`,
    [database.name],
  )
  expect(rows[0]!.sessions).toBe(2)
})
