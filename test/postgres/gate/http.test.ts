// The gate before an HTTP server: what a closed one answers, to whom, and who counts as inside an open one.

import { createServer, type IncomingMessage, request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished } from 'vitest'
import { gateMiddleware } from '../../../gate/adapters/express.ts'
import { gatePlugin } from '../../../gate/adapters/fastify.ts'
import type { Gate } from '../../../gate/gate.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest, urlOf, type WatchedGate } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

async function openGate(database: ScratchDatabase): Promise<WatchedGate> {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app })
  await gate.whenOpen({ timeout: 5000 })
  return gate
}

/** A service with routes registered before and after the plugin, in it and in a plugin of their own. */
async function service(gate: Gate, prepare?: (server: FastifyInstance) => void): Promise<FastifyInstance> {
  const server = fastify()
  onTestFinished(() => server.close())
  server.get('/before', async () => 'before')
  await server.register(gatePlugin, { gate })
  server.get('/health', async () => ({ gate: server.gate.state }))
  server.get('/health/live', async () => 'live')
  server.get('/work', async () => 'work')
  server.post('/work', { schema: { body: { type: 'object', required: ['x'] } } }, async () => 'work')
  await server.register(async scope => {
    scope.get('/scoped', async () => 'scoped')
  })
  prepare?.(server)
  return server
}

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
    expect(await served.finish()).toContain('HTTP/1.1 200')
    await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
    expect((await gate.check()).state).toBe('behind')
    expect(await length.finish()).toContain('HTTP/1.1 503')
    expect(await chunked.finish()).toContain('HTTP/1.1 503')
    expect(worked).toEqual([{ x: 2 }])
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

describe('inside an open gate', () => {
  /** Resolves once no request is inside, as a migrator that waits would see. */
  const emptied = async (gate: WatchedGate, database: ScratchDatabase, options?: { timeout: number }) => {
    await ledgerOf(database).applyQuietly({ name: '0003_rename', breaking: true })
    await gate.check()
    await eventually(async () => {
      const { rows } = await database.query(
        `select application_name from pg_stat_activity where datname = $1 and application_name = 'schemagate:drained'`,
        [database.name],
      )
      expect(rows).toHaveLength(1)
    }, options)
  }

  test('each way to answer a request ends its stay', async ({ database }) => {
    const gate = await openGate(database)
    const server = await service(gate, it => {
      it.get('/fails', async () => {
        throw new Error('a bug')
      })
      it.get('/hijacked', async (_request, reply) => {
        reply.hijack()
        reply.raw.end('mine')
      })
      it.get('/raw', (_request, reply) => {
        reply.raw.end('raw')
      })
      it.get('/stream', async (_request, reply) => reply.send(new Blob(['x'.repeat(100_000)]).stream()))
    })
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    for (const path of ['work', 'fails', 'hijacked', 'raw', 'stream', 'nowhere']) {
      await (await fetch(`${url}/${path}`)).text()
    }
    await (await fetch(`${url}/work`, { method: 'POST', body: 'no json' })).text()
    expect((await server.inject('/work')).statusCode).toBe(200)
    await emptied(gate, database)
  })

  test('a request whose body is still on its way holds up no migrator', async ({ database }) => {
    const gate = await openGate(database)
    const server = await service(gate)
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    await slowRequest(url, 'content-length: 8', '{"x"', ': 1}')
    await emptied(gate, database)
  })

  test('a request whose client has gone stays until its handler has ended', async ({ database }) => {
    const gate = await openGate(database)
    const done = Promise.withResolvers<string>()
    const begun = Promise.withResolvers<void>()
    const server = await service(gate, it => {
      it.get('/long', async () => {
        begun.resolve()
        return done.promise
      })
    })
    const url = new URL(await server.listen({ host: '127.0.0.1', port: 0 }))
    const client = rawRequest(new URL('/long', url))
    client.on('error', () => {})
    client.end()
    await begun.promise
    client.destroy()
    await eventually(async () => {
      const open = await new Promise<number>((resolve, reject) =>
        server.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      )
      expect(open).toBe(0)
    })
    let empty = false
    const waiting = emptied(gate, database).then(() => {
      empty = true
    })
    await eventually(() => expect(gate.state).toBe('too-old'))
    await gate.check()
    expect(empty).toBe(false)
    done.resolve('done')
    await waiting
  })

  test('an answer that its client does not read holds up no migrator, whole or as a stream', async ({ database }) => {
    const gate = await openGate(database)
    const big = 'x'.repeat(30_000_000)
    let pulled = 0
    const server = await service(gate, it => {
      it.get('/big', async () => big)
      it.get('/endless', async (_request, reply) =>
        reply.send(
          new ReadableStream({
            pull: controller => {
              pulled++
              controller.enqueue(new TextEncoder().encode(big.slice(0, 100_000)))
            },
          }),
        ),
      )
    })
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    const middleware = await connectService(gate)
    const sockets = [`${url}/big`, `${url}/big`, `${url}/endless`, `${middleware}/big`].map(target => {
      const { hostname, port, pathname } = new URL(target)
      const socket = connect(Number(port), hostname).on('error', () => {})
      onTestFinished(() => {
        socket.destroy()
      })
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(2))
      return socket
    })
    // the first bytes have come, and no more are read
    await Promise.all(sockets.map(socket => new Promise(resolve => socket.once('readable', resolve))))
    await emptied(gate, database, { timeout: 30_000 })
    // the stream has been stopped, and what was written whole is still there for its client to read
    const after = pulled
    await gate.check()
    expect(pulled).toBe(after)
    let length = 0
    sockets[0]!.on('data', chunk => {
      length += chunk.length
    })
    await eventually(() => expect(length).toBeGreaterThan(2 * big.length))
  })

  test('a stream that its client leaves ends its stay, and so does one in middleware', async ({ database }) => {
    const gate = await openGate(database)
    const server = await service(gate, it => {
      it.get('/endless', async (_request, reply) =>
        reply.send(
          new ReadableStream({
            pull: async controller => {
              await new Promise(resolve => setTimeout(resolve, 5))
              controller.enqueue(new TextEncoder().encode('more'))
            },
          }),
        ),
      )
    })
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    for (const target of [`${url}/endless`, `${await connectService(gate)}/endless`]) {
      const { hostname, port, pathname } = new URL(target)
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`)
      await new Promise(resolve => socket.once('data', resolve))
      socket.destroy()
    }
    await emptied(gate, database)
  })
})

/** A request to /body that has sent its headers and the first part of its body; the server has begun to read it. */
async function slowRequest(url: string, header: string, first: string, rest: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => {
    socket.destroy()
  })
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text
  })
  const head = `POST /body HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n${header}\r\n`
  socket.write(`${head}expect: 100-continue\r\n\r\n`)
  await eventually(() => expect(answer).toContain('100 Continue'))
  socket.write(first)
  const finish = async () => {
    const closed = new Promise(resolve => socket.once('close', resolve))
    answer = ''
    socket.write(rest)
    await closed
    return answer
  }
  return { finish }
}

/** A plain server with the middleware before it. */
async function connectService(gate: Gate): Promise<string> {
  const middleware = gateMiddleware(gate)
  const server = createServer((request: IncomingMessage, response) => {
    const originalUrl = request.url
    request.url = originalUrl?.replace(/^\/mounted/, '')
    middleware(Object.assign(request, { originalUrl }), response, () => {
      if (request.url === '/endless') response.write('more')
      else if (request.url === '/big') response.end('x'.repeat(30_000_000))
      else response.end('work')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return urlOf(server)
}
