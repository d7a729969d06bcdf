// Servers behind a gate, with the plugin and with the middleware, and a request whose body comes slowly.

import { createServer, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { expect, onTestFinished } from 'vitest'
import { gateMiddleware } from '../../../gate/adapters/express.ts'
import { gatePlugin } from '../../../gate/adapters/fastify.ts'
import type { Gate } from '../../../gate/gate.ts'
import type { ScratchDatabase } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest, urlOf, type WatchedGate } from './fixtures.ts'

export const app = manifest('0001_users', '0002_tickets')

export async function openGate(database: ScratchDatabase): Promise<WatchedGate> {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app })
  await gate.whenOpen({ timeout: 5000 })
  return gate
}

/** A service with routes registered before and after the plugin, in it and in a plugin of their own. */
export async function service(gate: Gate, prepare?: (server: FastifyInstance) => void): Promise<FastifyInstance> {
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

/** A request to /body that has sent its headers and the first part of its body; the server has begun to read it. */
export async function slowRequest(url: string, header: string, first: string, rest: string) {
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
export async function connectService(gate: Gate): Promise<string> {
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
