// Who counts as inside an open gate, and until when.

import { request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, onTestFinished } from 'vitest'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { ledgerOf, type WatchedGate } from './fixtures.ts'
import { connectService, openGate, service, slowRequest } from './http-service.ts'

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
