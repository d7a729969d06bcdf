// The gate before an HTTP server: what a closed one answers, and to whom.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import fastify from 'fastify'
import { describe, expect, onTestFinished } from 'vitest'
import { gateMiddleware } from '../../../gate/adapters/express.ts'
import { gatePlugin } from '../../../gate/adapters/fastify.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf } from './fixtures.ts'
import { app, connectService, openGate, service, slowRequest } from './http-service.ts'

describe('a closed gate', () => {
  test('answers everything but health with 503, before anything else is looked at', async ({ database }) => {
    const gate = gateOf({ url: database.url, manifest: app })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    const server = await service(gate)
    for (const [method, url, payload] of [
      ['GET', '/before'],
      ['GET', '/work'],
      ['GET', '/work?x=/health'],
      ['GET', '/scoped'],
      ['GET', '/nowhere'],
      ['POST', '/work', '{"x": 1}'],
      ['POST', '/work', 'no json'],
      ['POST', '/work', '{}'],
      ['DELETE', '/work'],
      ['OPTIONS', '/work'],
      ['GET', '/health/'],
      ['GET', '/health/../work'],
      ['GET', '//health'],
      ['GET', '/Health'],
      ['GET', '/health%2Flive'],
    ] as const) {
      const answer = await server.inject({
        method,
        url,
        ...(payload && { payload, headers: { 'content-type': 'application/json' } }),
      })
      expect([method, url, answer.statusCode]).toEqual([method, url, 503])
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
      expect(answer.headers['retry-after']).toBe('1')
      expect(answer.json()).toEqual({
        type: 'about:blank',
        title: 'Service Unavailable',
        status: 503,
        state: 'unmigrated',
        detail: 'The database has no ledger: run the migrator (schemagate up).',
        head: '0002_tickets',
      })
    }
    for (const url of ['/health', '/health?verbose=1', '/health/live']) {
      expect((await server.inject(url)).statusCode).toBe(200)
    }
    expect((await server.inject('/health')).json()).toEqual({ gate: 'unmigrated' })
    expect((await server.inject({ method: 'HEAD', url: '/work' })).body).toBe('')
  })

  test('says nothing of hosts, roles or stacks when the database is away', async () => {
    const gate = gateOf({ url: 'postgres://secret-role:secret-password@127.0.0.1:1/secret-db', manifest: app })
    await eventually(() => expect(gate.detail).toContain('ECONNREFUSED'))
    const server = await service(gate)
    const answer = await server.inject('/work')
    expect(answer.json()).toMatchObject({
      state: 'unreachable',
      detail: 'The database does not answer (ECONNREFUSED).',
    })
    expect(answer.body).not.toMatch(/secret|127\.0\.0\.1|stack|at /)
    expect(gate.status.cause?.message).toContain('127.0.0.1')
  })

  test('the exempt paths are those that are named', async ({ database }) => {
    const gate = gateOf({ url: database.url, manifest: app })
    const server = fastify()
    onTestFinished(() => server.close())
    await server.register(gatePlugin, { gate, exempt: ['/metrics'] })
    server.get('/metrics', async () => 'm')
    server.get('/health', async () => 'h')
    expect((await server.inject('/metrics')).statusCode).toBe(200)
    expect((await server.inject('/health')).statusCode).toBe(503)
  })

  test('answers the same whatever a route has to say about its own answers', async ({ database }) => {
    const gate = gateOf({ url: database.url, manifest: app })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    const own = { type: 'object', required: ['mine'], properties: { mine: { type: 'string' } } }
    const server = await service(gate, it => {
      it.get('/own', { schema: { response: { 503: own } } }, async () => 'own')
    })
    const answer = await server.inject('/own')
    expect([answer.statusCode, answer.json()]).toMatchObject([503, { state: 'unmigrated', head: '0002_tickets' }])
  })

  test('refuses a request that came while it was open, if the body comes only now', async ({ database }) => {
    const gate = await openGate(database)
    const worked: unknown[] = []
    const server = await service(gate, it => {
      it.post('/body', async request => {
        worked.push(request.body)
        return 'done'
      })
    })
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    const length = await slowRequest(url, 'content-length: 8', '{"x"', ': 1}')
    const chunked = await slowRequest(url, 'transfer-encoding: chunked', '4\r\n{"x"\r\n', '4\r\n: 1}\r\n0\r\n\r\n')
    const served = await slowRequest(url, 'content-length: 8', '{"x"', ': 2}')
    const unreadable = await slowRequest(url, 'content-length: 8', '{"x"', ' 1 }')
    expect(await served.finish()).toContain('HTTP/1.1 200')
    await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
    expect((await gate.check()).state).toBe('behind')
    expect(await length.finish()).toContain('HTTP/1.1 503')
    expect(await chunked.finish()).toContain('HTTP/1.1 503')
    expect(await unreadable.finish()).toMatch(/^HTTP\/1.1 503.*"state":"behind"/s)
    expect(worked).toEqual([{ x: 2 }])
  })

  test('refuses one over HTTP/2, too, which needs no header for its body', async ({ database }) => {
    const gate = await openGate(database)
    const server = fastify({ http2: true })
    onTestFinished(() => server.close())
    await server.register(gatePlugin, { gate })
    server.post('/body', async () => 'done')
    const client = connectHttp2(await server.listen({ host: '127.0.0.1', port: 0 }))
    onTestFinished(() => client.destroy())
    const headers = { ':method': 'POST', ':path': '/body', 'content-type': 'application/json' }
    const ask = () => {
      const stream = client.request(headers)
      stream.write('{"x"')
      return stream
    }
    const answer = async (stream: ReturnType<typeof ask>) => {
      stream.end(': 1}')
      const [answered] = await once(stream.resume(), 'response')
      return answered[':status']
    }
    const [served, late] = [ask(), ask()]
    expect(await answer(served)).toBe(200)
    await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
    expect((await gate.check()).state).toBe('behind')
    expect(await answer(late)).toBe(503)
  })

  test('middleware does the same', async ({ database }) => {
    const gate = gateOf({ url: database.url, manifest: app })
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    const url = await connectService(gate)
    for (const method of ['GET', 'POST', 'HEAD']) {
      const answer = await fetch(`${url}/work`, { method })
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
      const body = await answer.text()
      if (method !== 'HEAD') expect(JSON.parse(body)).toMatchObject({ status: 503, state: 'unmigrated' })
    }
    expect((await fetch(`${url}/health?x`)).status).toBe(200)
    // as Express mounts it on a path
    expect((await fetch(`${url}/mounted/health`)).status).toBe(503)
    await ledgerOf(database).create()
    await ledgerOf(database).apply('0001_users', '0002_tickets')
    await gate.whenOpen({ timeout: 5000 })
    expect((await fetch(`${url}/work`)).status).toBe(200)
  })
})

test('middleware used again after the body refuses a request whose body comes only now', async ({ database }) => {
  const gate = await openGate(database)
  const middleware = gateMiddleware(gate)
  const server = createServer((request, response) => {
    middleware(request, response, async () => {
      await request.toArray()
      middleware(request, response, () => response.end('work'))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const early = await slowRequest(url, 'content-length: 8', '{"x"', ': 1}')
  const late = await slowRequest(url, 'content-length: 8', '{"x"', ': 1}')
  expect(await early.finish()).toContain('HTTP/1.1 200')
  await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
  expect((await gate.check()).state).toBe('behind')
  expect(await late.finish()).toContain('HTTP/1.1 503')
})

test('a request that came while the process stood still is decided upon by what the database has now', async ({
  database,
}) => {
  const gate = await openGate(database)
  const { hostname, port } = new URL(await connectService(gate))
  const client = connect(Number(port), hostname)
  onTestFinished(() => void client.destroy())
  const ask = async (meanwhile: () => void) => {
    client.write('GET /work HTTP/1.1\r\nhost: x\r\n\r\n')
    meanwhile()
    const [answer] = await once(client.setEncoding('utf8'), 'data')
    return answer.slice(9, 12)
  }
  const standStill = (sql: string) => () => {
    const script = `import pg from 'pg'
      const client = new pg.Client(process.argv[1])
      await client.connect()
      await client.query(process.argv[2])
      await client.query('select pg_sleep(1.2)')
      await client.end()`
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script, database.url, sql])
    expect(status).toBe(0)
  }
  expect(await ask(standStill('select 1'))).toBe('200')
  // long enough for the server to end the gate's sessions
  const endSessions = 'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()'
  expect(await ask(standStill(`${endSessions} and datname = current_database()`))).toBe('200')
  expect(await ask(standStill(`delete from schemagate.ledger where name = '0002_tickets'`))).toBe('503')
  expect(gate.history.map(({ state }) => state)).toEqual(['open', 'unreachable', 'open', 'behind'])
})

test('an app of two databases has both gates before its routes', async ({ createDatabase }) => {
  const [one, other] = [await openGate(await createDatabase()), await openGate(await createDatabase())]
  const server = fastify()
  onTestFinished(() => server.close())
  await server.register(gatePlugin, { gate: one })
  await server.register(gatePlugin, { gate: other })
  server.post('/work', async () => 'work')
  const ask = async () => (await server.inject({ method: 'POST', url: '/work', payload: {} })).statusCode
  expect(server.gate).toBe(one)
  expect(await ask()).toBe(200)
  await other.close()
  expect(await ask()).toBe(503)
})
