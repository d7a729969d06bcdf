// The app and a database that is not ready, or no longer: it starts, says why it does not serve, and serves when it can.

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished } from 'vitest'
import {
  type Answer,
  expectProblem,
  healthy,
  migrate,
  type RunningApp,
  startApp,
  writeManifest,
} from '../../helpers/app-process.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test as withDatabase } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { ownServer } from '../../helpers/server.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const head = '0006_ticket_activity_required'

// biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from this pattern
const test = withDatabase.extend('manifest', { scope: 'file' }, async ({}, { onCleanup }) => {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-health-'))
  onCleanup(() => rm(folder, { recursive: true }))
  return writeManifest(folder)
})

const health = (app: RunningApp) => app.request('GET', '/health')
const json = (answer: Answer) => JSON.parse(answer.text)

/** Everything but health is refused, whatever it is, and before anything else is looked at. */
async function expectClosed(app: RunningApp, state: string): Promise<void> {
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/docs'],
    ['GET', '/docs/json'],
    ['GET', '/api/v1/tickets'],
    ['GET', '/api/v1/tickets/%zz'],
    ['GET', `/api/v1/tickets/${'x'.repeat(1000)}`],
    ['GET', '/health/'],
    ['GET', '/health/other'],
    ['DELETE', '/api/v1/auth/register'],
    ['POST', '/api/v1/auth/register'],
    ['POST', '/api/v1/auth/login'],
  ] as const) {
    const answer = await app.request(method, path)
    expectProblem(answer, 503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.text).not.toMatch(/at .*\.ts:\d/)
  }
  expect((await app.request('GET', '/health/live')).status).toBe(200)
  const answer = await health(app)
  expect(answer.status).toBe(503)
  expect(json(answer)).toMatchObject({ status: 'unhealthy', schema: state, gate: { state, head } })
}

async function expectServing(app: RunningApp): Promise<void> {
  const body = { email: `${crypto.randomUUID()}@example.org`, password: 'a good password', full_name: 'Some One' }
  const answer = await app.request('POST', '/api/v1/auth/register', { body })
  expect(answer.status, answer.text).toBe(201)
  expect((await app.request('GET', '/docs/json')).status).toBe(200)
}

const env = (url: string, manifest: string) => ({
  DATABASE_URL: url,
  SCHEMAGATE_MANIFEST: manifest,
  AUTH_RATE_LIMIT: '0',
})

describe('health', () => {
  test('of an app that serves tells of the database, the schema, and what both sides have', async ({
    database,
    manifest,
  }) => {
    await migrate(database.url)
    const app = await startApp(env(database.url, manifest))
    await healthy(app)
    const answer = await health(app)
    expect(json(answer)).toEqual({
      status: 'healthy',
      database: 'connected',
      schema: 'ready',
      gate: { state: 'open', detail: expect.any(String), head, database: { head } },
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await app.request('HEAD', '/health')).status).toBe(200)
    await expectServing(app)
  })

  test('is asked by many at the cost of a few queries', async ({ database, manifest }) => {
    await migrate(database.url)
    const app = await startApp(env(database.url, manifest))
    await healthy(app)
    await Promise.all(Array.from({ length: 200 }, () => health(app)))
    const { rows } = await database.query(
      `select count(*)::int from pg_stat_activity where datname = $1 and application_name = 'tickets health'`,
      [database.name],
    )
    expect(rows).toEqual([{ count: 1 }])
  })
})

describe('an app that starts before the migrator has run', () => {
  test('serves nothing, names the reason, and serves as soon as it has, without a restart', async ({
    database,
    manifest,
  }) => {
    const app = await startApp(env(database.url, manifest))
    await eventually(async () => expect(json(await health(app))).toMatchObject({ schema: 'unmigrated' }))
    await expectClosed(app, 'unmigrated')
    expect(json(await health(app))).toMatchObject({
      database: 'connected',
      reason: expect.stringContaining('migrator'),
    })

    await schemagateTo(database, '0002_files_and_integrations')
    await eventually(async () => expect(json(await health(app))).toMatchObject({ schema: 'behind' }))
    await expectClosed(app, 'behind')
    expect(json(await health(app))).toMatchObject({
      gate: { database: { head: '0002_files_and_integrations' }, missing: expect.arrayContaining([head]) },
    })

    await migrate(database.url)
    await healthy(app)
    await expectServing(app)
    const states = app.lines.filter(({ event }) => event === 'gate').map(({ state }) => state)
    expect(states.at(0)).toBe('unmigrated')
    expect(states.at(-1)).toBe('open')
  })

  test('waits for its own role, too', async ({ database, manifest }) => {
    const role = database.role('app')
    const password = 'a password for the app'
    const app = await startApp(env(database.urlFor(role, password), manifest))
    await eventually(async () =>
      expect(json(await health(app))).toMatchObject({
        database: 'disconnected',
        reason: expect.stringMatching(/28P01|28000/),
      }),
    )
    await expectClosed(app, 'unreachable')
    expect((await health(app)).text).not.toContain(role)
    await migrate(database.url, { SCHEMAGATE_APP_ROLE: role, SCHEMAGATE_APP_PASSWORD: password })
    await healthy(app)
    await expectServing(app)
  })

  test('starts while nothing answers at all', async ({ manifest }) => {
    const app = await startApp(env('postgresql://app:hush@127.0.0.1:9/tickets', manifest))
    await expectClosed(app, 'unreachable')
    const answer = await health(app)
    expect(json(answer)).toMatchObject({ database: 'disconnected', reason: expect.stringContaining('ECONNREFUSED') })
    expect(answer.text + JSON.stringify(app.lines)).not.toContain('hush')
  })

  test('answers a health check in time while the database accepts connections and says nothing', async ({
    manifest,
  }) => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await expect.poll(() => silent.listening).toBe(true)
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : 0
    const app = await startApp(env(`postgresql://app@127.0.0.1:${port}/tickets`, manifest))
    const started = performance.now()
    expect(json(await health(app))).toMatchObject({ database: 'disconnected', schema: 'unreachable' })
    expect(performance.now() - started).toBeLessThan(2_000)
    app.child.kill('SIGKILL')
    await app.ended
  })
})

describe('an app that serves', () => {
  test('outlives the loss of all of its connections, and logs that in few words', async ({ database, manifest }) => {
    await migrate(database.url)
    const app = await startApp(env(database.url, manifest))
    await healthy(app)
    for (let round = 0; round < 3; round++) {
      await expectServing(app)
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
        [database.name],
      )
      await healthy(app)
    }
    expect(app.child.exitCode).toBe(null)
    const lines = app.lines.filter(({ err }) => err !== undefined).map(line => JSON.stringify(line))
    expect(lines.length).toBeGreaterThan(0)
    // pg hangs the client, with all of its settings, on the error of a connection that was lost.
    for (const line of lines) expect(line.length).toBeLessThan(3_000)
    expect(lines.join('\n')).not.toContain(new URL(database.url).password)
  })

  test('says so when the database stops, and serves again when it is back', async ({ manifest }) => {
    const server = await ownServer()
    await migrate(server.url)
    const app = await startApp(env(server.url, manifest))
    await healthy(app)
    await expectServing(app)
    await server.stop('immediate')
    await eventually(async () =>
      expect(json(await health(app))).toMatchObject({ status: 'unhealthy', database: 'disconnected' }),
    )
    const refused = await app.request('POST', '/api/v1/auth/login', { body: { email: 'a@b', password: 'x' } })
    expectProblem(refused, 503)
    await server.start()
    await healthy(app)
    await expectServing(app)
  })

  test('refuses in seconds, and says why, when the network to the database goes silent', async ({
    database,
    manifest,
  }) => {
    await migrate(database.url)
    const proxy = await tcpProxy(database.url)
    const app = await startApp(env(proxy.url(database.url), manifest))
    await healthy(app)
    await expectServing(app)
    proxy.pause()
    const started = performance.now()
    expect(json(await health(app))).toMatchObject({ status: 'unhealthy', database: 'disconnected' })
    expect(performance.now() - started).toBeLessThan(2_000)
    expectProblem(await app.request('POST', '/api/v1/auth/login', { body: { email: 'a@b', password: 'x' } }), 503)
    proxy.resume()
    await healthy(app)
    await expectServing(app)
  })

  test('is not troubled by columns and tables that it does not know', async ({ database, manifest }) => {
    await migrate(database.url)
    const app = await startApp(env(database.url, manifest))
    await healthy(app)
    await database.query(`alter table users add column nickname text not null default 'x';
      alter table tickets add column last_activity text; create table labels (id int)`)
    await expectServing(app)
  })
})

async function schemagateTo(database: ScratchDatabase, name: string): Promise<void> {
  const result = await schemagate(['up', '--to', name], { env: { DATABASE_URL: database.url } })
  expect(result.code, result.stdout + result.stderr).toBe(0)
}
