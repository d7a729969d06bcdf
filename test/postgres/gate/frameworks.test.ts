// The gate in each framework, the real one: closed, open, and closing while a request is inside.

import 'reflect-metadata'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { Readable } from 'node:stream'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import { Hono } from 'hono'
import Koa from 'koa'
import { expect, onTestFinished, vi } from 'vitest'
import { gateMiddleware } from '../../../gate/adapters/express.ts'
import { gateFetch } from '../../../gate/adapters/fetch.ts'
import { gateMiddleware as honoGate } from '../../../gate/adapters/hono.ts'
import { gateListener } from '../../../gate/adapters/http.ts'
import { gateMiddleware as koaGate } from '../../../gate/adapters/koa.ts'
import type { Gate } from '../../../gate/gate.ts'
import { GateClosedError } from '../../../gate/status.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest, urlOf } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

/** What the routes of a service do: /slow answers once it is told to. */
interface Work {
  slow(): Promise<string>
}

/** Serves `/health`, `/work`, `/slow` and, where a framework streams, `/stream`; gives the URL. */
type Service = (gate: Gate, work: Work) => Promise<string>

async function listening(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return urlOf(server)
}

/** A handler of the web's own kind, on node:http: what Bun.serve and Deno.serve do natively. */
function serveFetch(handler: (request: Request) => Response | Promise<Response>): Promise<string> {
  return listening(
    createServer(async (incoming, outgoing) => {
      const answer = await handler(
        new Request(new URL(incoming.url ?? '/', 'http://localhost'), { method: incoming.method ?? 'GET' }),
      )
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers))
      if (answer.body === null) outgoing.end()
      else
        Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0])
          .on('error', () => outgoing.destroy())
          .pipe(outgoing)
    }),
  )
}

const answers = async (path: string, work: Work) =>
  path === '/health' ? 'health' : path === '/work' ? 'work' : path === '/slow' ? work.slow() : undefined

const services: Record<string, Service> = {
  'node:http': (gate, work) =>
    listening(
      createServer(
        gateListener(gate, async (request, response) => response.end(await answers(request.url ?? '', work))),
      ),
    ),
  Express: (gate, work) => {
    const server = express()
    server.use(gateMiddleware(gate))
    server.get('/:path', async (request, response) => void response.send(await answers(request.path, work)))
    return listening(createServer(server))
  },
  Koa: (gate, work) => {
    const server = new Koa()
    server.use(koaGate(gate))
    server.use(async context => {
      context.body = await answers(context.path, work)
    })
    return listening(createServer(server.callback()))
  },
  NestJS: async (gate, work) => {
    class Routes {
      health = () => 'health'
      work = () => 'work'
      slow = () => work.slow()
    }
    for (const name of ['health', 'work', 'slow'] as const) {
      const descriptor = { value: new Routes()[name], configurable: true, writable: true }
      Object.defineProperty(Routes.prototype, name, descriptor)
      Get(name)(Routes.prototype, name, descriptor)
    }
    Controller()(Routes)
    class Root {}
    Module({ controllers: [Routes] })(Root)
    const nest = await NestFactory.create(Root, { logger: false })
    nest.use(gateMiddleware(gate))
    onTestFinished(() => nest.close())
    await nest.listen(0, '127.0.0.1')
    return (await nest.getUrl()).replace('[::1]', '127.0.0.1')
  },
  'Request and Response': (gate, work) =>
    serveFetch(
      gateFetch(gate, async request => {
        const { pathname } = new URL(request.url)
        return new Response(await answers(pathname, work))
      }),
    ),
  Hono: (gate, work) => {
    const server = new Hono()
    server.use(honoGate(gate))
    server.get('/:path', async context => {
      context.header('x-own', 'kept')
      return context.text((await answers(context.req.path, work)) ?? 'none', 200)
    })
    return serveFetch(request => server.fetch(request))
  },
}

test.for(['Express', 'Koa'])('%s: answers 503 where a guarded pool refuses', async (name, { database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.apply('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app })
  await gate.whenOpen({ timeout: 5000 })
  const url = await services[name]!(gate, { slow: () => Promise.reject(new GateClosedError(gate.status)) })
  expect((await fetch(`${url}/slow`)).status).toBe(503)
})

for (const [name, serve] of Object.entries(services)) {
  test(`${name}: refuses behind a closed gate, serves behind an open one, and counts who is inside`, async ({
    database,
  }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
    const slow = Promise.withResolvers<string>()
    const begun = Promise.withResolvers<void>()
    const url = await serve(gate, {
      slow: () => {
        begun.resolve()
        return slow.promise
      },
    })
    const get = async (path: string) => {
      const response = await fetch(url + path)
      return { status: response.status, text: await response.text(), headers: response.headers }
    }
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    const refused = await get('/work')
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(refused.text)).toMatchObject({ status: 503, state: 'unmigrated' })
    expect(await get('/health')).toMatchObject({ status: 200, text: 'health' })
    expect((await get('/health/../work')).status).toBe(503)

    await ledger.applyQuietly('0001_users', '0002_tickets')
    await gate.whenOpen({ timeout: 5000 })
    for (let i = 0; i < 20; i++) expect(await get('/work')).toMatchObject({ status: 200, text: 'work' })
    let cuts = 0
    gate.on('cut', () => cuts++)
    for (let i = 0; i < 3; i++) expect((await fetch(`${url}/work`, { method: 'HEAD' })).status).toBe(200)
    if (name === 'Hono') expect((await get('/work')).headers.get('x-own')).toBe('kept')

    const inside = get('/slow')
    await begun.promise
    let isDropped = false
    const drop = ledger.drop().then(() => {
      isDropped = true
    })
    await eventually(() => expect(gate.isOpen).toBe(false))
    expect((await get('/work')).status).toBe(503)
    expect(isDropped).toBe(false)
    slow.resolve('finished')
    expect(await inside).toMatchObject({ status: 200, text: 'finished' })
    await drop
    // that was the last one inside
    expect(cuts).toBe(0)
  })

  test(`${name}: an answer that is too late for a ledger that was taken away is not given`, async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
    await gate.whenOpen({ timeout: 5000 })
    const slow = Promise.withResolvers<string>()
    const begun = Promise.withResolvers<void>()
    const url = await serve(gate, {
      slow: () => {
        begun.resolve()
        return slow.promise
      },
    })
    const inside = fetch(`${url}/slow`)
      .then(({ status }) => status)
      .catch(() => 'cut')
    await begun.promise
    await ledger.drop()
    slow.resolve('from the older schema')
    expect(['cut', 503]).toContain(await inside)
  })
}

test("an answer of the web's own kind counts until it was read, and is broken off when the ledger is taken away", async ({
  database,
}) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
  await gate.whenOpen({ timeout: 5000 })
  const endless = gateFetch(
    gate,
    () =>
      new Response(new ReadableStream({ pull: controller => controller.enqueue(new TextEncoder().encode('more ')) })),
  )
  const left = (await endless(new Request('http://localhost/'))).body!.getReader()
  await left.read()
  await left.cancel()
  const read = (await endless(new Request('http://localhost/'))).body!.getReader()
  await read.read()
  await ledger.drop()
  await expect(
    (async () => {
      for (;;) if ((await read.read()).done) return
    })(),
  ).rejects.toThrow('taken away')
  const failing = gateFetch(
    gate,
    () => {
      throw new Error('a bug')
    },
    { exempt: [] },
  )
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  await gate.whenOpen({ timeout: 5000 })
  await expect(failing(new Request('http://localhost/'))).rejects.toThrow('a bug')
  // No request is inside any more, so a drop does not wait.
  const asked = performance.now()
  await ledger.drop()
  expect(performance.now() - asked).toBeLessThan(700)
})

test('an answer over HTTP/2 that is cut is not taken for a whole one', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
  await gate.whenOpen({ timeout: 5000 })
  const server = createHttp2Server(
    gateListener(gate, (_, response) => void response.write('the first rows\n')) as never,
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const client = connectHttp2(urlOf(server as never))
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const stream = client.request({ ':path': '/export' })
  await once(stream.setEncoding('utf8'), 'data')
  const ended = new Promise(resolve => stream.once('end', () => resolve('whole')).once('error', resolve))
  await ledger.drop()
  expect(await ended).toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' })
})

test('an exempt path is compared as it was sent, also by a runtime that leaves `..` in it', async ({ database }) => {
  const gate = gateOf({ url: database.url, manifest: app })
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  const hono = new Hono()
  hono.use(honoGate(gate))
  hono.all('*', context => context.text('answered'))
  const status = async (url: string) => {
    const request = Object.defineProperty(new Request('http://localhost/'), 'url', { value: url })
    return (await hono.fetch(request)).status
  }
  expect(await status('http://localhost/health?full')).toBe(200)
  for (const path of [
    '/tickets/../health',
    '/tickets/%2e%2e/health',
    '/tickets?/health',
    '/tickets#/health',
    '//health',
  ])
    expect([path, await status(`http://localhost${path}`)]).toEqual([path, 503])
})

test('a request whose client has gone leaves after ten seconds, though its handler never answers', async ({
  database,
}) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app })
  await gate.whenOpen({ timeout: 5000 })
  const leave = vi.spyOn(gate, 'leave')
  const client = new AbortController()
  void gateFetch(
    gate,
    () => new Promise<Response>(() => {}),
  )(new Request('http://localhost/', { signal: client.signal }))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  vi.advanceTimersByTime(60_000)
  expect(leave).not.toHaveBeenCalled()
  client.abort()
  vi.advanceTimersByTime(9_999)
  expect(leave).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(leave).toHaveBeenCalledOnce()
})
