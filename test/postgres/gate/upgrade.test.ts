// The gate before connections that leave HTTP: refused while it is closed, and ended after it has closed.

import { once } from 'node:events'
import { request as ask, createServer, get, Server } from 'node:http'
import {
  type ClientHttp2Stream,
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createTlsServer, get as getByTls, Server as TlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, vi } from 'vitest'
import { guardServer } from '../../../gate/adapters/http.ts'
import { gateUpgrade, type UpgradeListener } from '../../../gate/adapters/upgrade.ts'
import type { Gate } from '../../../gate/gate.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest, urlOf } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

/** A server that echoes what comes over an upgraded connection; a client of it. */
function echo(gate: Gate) {
  return clientOf(createServer().on('upgrade', gateUpgrade(gate, accept)))
}

async function clientOf(server: Server) {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return async (): Promise<{ status: number | undefined; body: string; socket?: Duplex }> => {
    const request = get({ port, host: '127.0.0.1', headers: { connection: 'Upgrade', upgrade: 'echo' } })
    const [event, response, socket] = await Promise.race([
      once(request, 'upgrade').then(([answer, stream]) => ['upgrade', answer, stream] as const),
      once(request, 'response').then(([answer]) => ['response', answer, undefined] as const),
    ])
    if (event === 'upgrade') {
      socket.on('error', () => {})
      onTestFinished(() => void socket.destroy())
      return { status: 101, body: '', socket }
    }
    let body = ''
    for await (const chunk of response) body += chunk
    return { status: response.statusCode, body }
  }
}

const accept: UpgradeListener = (_request, socket) => {
  socket.on('error', () => {})
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  socket.pipe(socket)
}

async function says(socket: Duplex, text: string): Promise<string> {
  const heard = once(socket, 'data')
  socket.write(text)
  return String((await heard)[0])
}

test('a refused connection is ended, also if its client does not hang up', async ({ database }) => {
  const gate = gateOf({ url: database.url, manifest: app })
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  const server = createServer().on(
    'upgrade',
    gateUpgrade(gate, () => {}),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  for (const more of ['', 'more than it was asked for']) {
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.on('error', () => {})
    onTestFinished(() => void client.destroy())
    client.write(`GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n${more}`)
    expect(String((await once(client, 'data'))[0])).toContain('503 Service Unavailable')
  }
  await eventually(async () => {
    const open = await new Promise(resolve => server.getConnections((_, count) => resolve(count)))
    expect(open).toBe(0)
  })
})

test('a closed gate refuses it; once it has closed, and when the ledger is taken away, what is open is ended', async ({
  database,
}) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users')
  const gate = gateOf({ url: database.url, manifest: app, pollInterval: 100 })
  const connect = await echo(gate)
  await eventually(() => expect(gate.state).toBe('behind'))
  const refused = await connect()
  expect(refused.status).toBe(503)
  expect(JSON.parse(refused.body)).toMatchObject({ status: 503, state: 'behind' })

  await ledger.apply('0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  const { socket } = await connect()
  expect(await says(socket!, 'hello')).toBe('hello')
  const ended = once(socket!, 'close')
  const dropped = ledger.drop()
  await eventually(() => expect(gate.isOpen).toBe(false))
  expect((await connect()).status).toBe(503)
  await ended
  await dropped

  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  const again = await connect()
  expect(await says(again.socket!, 'again')).toBe('again')
  again.socket!.destroy()
  // nobody is inside any more: a drop waits for nothing
  const started = performance.now()
  await ledger.drop()
  expect(performance.now() - started).toBeLessThan(1_500)
})

/** The answer to a request that asks whether it may send its body. */
async function expecting(server: Server): Promise<number | undefined> {
  const request = get(urlOf(server), { headers: { expect: '100-continue' } })
  const [response] = await once(request, 'response')
  response.resume()
  return response.statusCode
}

/** The answer to a request for a tunnel. */
async function tunnelling(server: Server): Promise<number | undefined> {
  const request = ask(urlOf(server), { method: 'CONNECT', path: 'example.com:443' }).end()
  const [response, socket] = await once(request, 'connect')
  socket.destroy()
  return response.statusCode
}

test('nothing that listens to a guarded server is reached behind a closed gate, whenever it began to listen', async ({
  database,
}) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users')
  const gate = gateOf({ url: database.url, manifest: app })
  await eventually(() => expect(gate.state).toBe('behind'))
  const server = createServer((_request, response) => void response.end('the framework'))
  guardServer(gate, server, { exempt: ['/status'] })
  const [own] = server.listeners('request')
  // as socket.io takes a server over
  server.removeAllListeners('request').on('upgrade', accept).on('connect', accept)
  server.on('request', (request, response) => (request.url === '/io' ? response.end('io') : own!(request, response)))
  server.on('checkContinue', (_request, response) => void response.end('continue'))
  const connect = await clientOf(server)
  const answer = async (path: string) => {
    const response = await fetch(urlOf(server) + path)
    return response.ok ? response.text() : response.status
  }
  expect(await Promise.all(['/', '/io', '/status'].map(answer))).toEqual([503, 503, 'the framework'])
  expect((await connect()).status).toBe(503)
  expect(await Promise.all([expecting(server), tunnelling(server)])).toEqual([503, 503])

  await ledger.apply('0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  expect(await Promise.all(['/', '/io'].map(answer))).toEqual(['the framework', 'io'])
  expect(await Promise.all([expecting(server), tunnelling(server)])).toEqual([200, 101])
  const { socket } = await connect()
  expect(await says(socket!, 'hello')).toBe('hello')
  const ended = once(socket!, 'close')
  await database.query(`delete from schemagate.ledger where name = '0002_tickets'`)
  await ended
})

test('a guarded server of HTTP/2 takes CONNECT as a request', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users')
  const gate = gateOf({ url: database.url, manifest: app })
  await eventually(() => expect(gate.state).toBe('behind'))
  const server = createHttp2Server((_request, response) => void response.end('work'))
  guardServer(gate, server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const client = connectHttp2(urlOf(server as never))
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const tunnelled = async () => {
    const [headers] = await once(
      client.request({ ':method': 'CONNECT', ':authority': 'example.com:443' }).end(),
      'response',
    )
    return headers[':status']
  }
  expect(await tunnelled()).toBe(405)
  server.on('connect', (_request, response) => void response.writeHead(200).end())
  expect(await tunnelled()).toBe(503)
  await ledger.apply('0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  expect(await tunnelled()).toBe(200)
})

test('streams of HTTP/2 are behind a guarded server, with requests beside them and without', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users')
  const gate = gateOf({ url: database.url, manifest: app })
  await eventually(() => expect(gate.state).toBe('behind'))
  const served = async (server: Http2Server) => {
    guardServer(gate, server, { exempt: ['/status'] })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const client = connectHttp2(urlOf(server as never))
    onTestFinished(() => {
      client.destroy()
      server.close()
    })
    return (path: string, method = 'GET') => client.request({ ':path': path, ':method': method }).end()
  }
  const status = async (asked: ClientHttp2Stream) => {
    const [headers] = await once(asked, 'response')
    asked.resume()
    await once(asked, 'close')
    return headers[':status']
  }
  const slow: ServerHttp2Stream[] = []
  const alone = await served(
    createHttp2Server().on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.respond({ ':status': 200 }, { endStream: headers[':method'] === 'HEAD' })
      if (headers[':path'] === '/slow') slow.push(stream)
      else if (headers[':method'] !== 'HEAD') stream.end('stream')
    }),
  )
  const enter = vi.spyOn(gate, 'enter')
  const both = await served(
    createHttp2Server((request, response) => void (request.url === '/request' && response.end('request'))).on(
      'stream',
      (stream: ServerHttp2Stream, headers) => {
        if (headers[':path'] !== '/request') stream.respond({ ':status': 201 }, { endStream: true })
      },
    ),
  )
  const answers = () =>
    Promise.all(
      [alone('/'), alone('/', 'HEAD'), alone('/status'), both('/stream'), both('/request'), both('/status')].map(
        status,
      ),
    )
  expect(await answers()).toEqual([503, 503, 200, 503, 503, 201])
  await ledger.apply('0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  enter.mockClear()
  expect(await answers()).toEqual([200, 200, 200, 201, 200, 201])
  // each was counted once
  expect(enter).toHaveBeenCalledTimes(6)

  const asked = alone('/slow')
  await once(asked, 'response')
  const cut = once(asked.resume(), 'error')
  const dropped = ledger.drop()
  expect(await cut).toMatchObject([{ code: 'ERR_HTTP2_STREAM_ERROR' }])
  await dropped
  expect(slow[0]!.closed).toBe(true)
})

test('before all servers of a process stands a gate that guards what they have in common', async ({ database }) => {
  onTestFinished(() => {
    for (const { prototype } of [Server, TlsServer]) Reflect.deleteProperty(prototype, 'emit')
  })
  const ledger = ledgerOf(database)
  await ledger.create()
  const gate = gateOf({ url: database.url, manifest: app })
  const ask = await Promise.all(
    ['a', 'b'].map(async name => {
      const server = new Server((_request, response) => void response.end(name)).on('upgrade', accept)
      return { connect: await clientOf(server), get: async () => (await fetch(urlOf(server))).text() }
    }),
  )
  // without a certificate
  const tls = { ciphers: 'aNULL@SECLEVEL=0', maxVersion: 'TLSv1.2' } as const
  const secured = createTlsServer(tls, (_request, response) => void response.end('c'))
  await once(secured.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void secured.close())
  const askByTls = async () => {
    const { port } = secured.address() as AddressInfo
    const [response] = await once(getByTls({ ...tls, port, host: '127.0.0.1', rejectUnauthorized: false }), 'response')
    return text(response)
  }
  const answers = () => Promise.all([...ask.map(({ get }) => get()), askByTls()])
  expect(await answers()).toEqual(['a', 'b', 'c'])
  // a framework's servers listen by now
  guardServer(gate, Server.prototype)
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  for (const answer of await answers()) expect(answer).toContain('unmigrated')
  expect((await ask[0]!.connect()).status).toBe(503)
  await ledger.apply('0001_users', '0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  expect(await answers()).toEqual(['a', 'b', 'c'])
  const { socket } = await ask[0]!.connect()
  expect(await says(socket!, 'hello')).toBe('hello')
})
