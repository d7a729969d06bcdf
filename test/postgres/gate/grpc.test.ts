// The gate before a server of @grpc/grpc-js, the real one: closed, open, and closing while calls are inside.

import { once } from 'node:events'
import { connect } from 'node:http2'
import {
  type CallOptions,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { expect, onTestFinished } from 'vitest'
import { gateInterceptor } from '../../../gate/adapters/grpc.ts'
import type { Gate } from '../../../gate/gate.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { gateOf, ledgerOf, manifest } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: String,
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: String,
}
const unary = { ...text, requestStream: false, responseStream: false }
const methods = {
  work: { ...unary, path: '/shop.Orders/Work' },
  watch: { ...unary, path: '/shop.Orders/Watch', responseStream: true },
  check: { ...unary, path: '/grpc.health.v1.Health/Check' },
} satisfies ServiceDefinition

/** A client's side of a call: its messages and how it ended. */
interface Called {
  readonly messages: string[]
  readonly ended: Promise<{ readonly code: number; readonly details: string }>
  cancel(): void
}

interface Service {
  readonly port: number
  /** How often each method's handler was called. */
  readonly handled: { work: number; watch: number }
  call(method: keyof typeof methods, options?: CallOptions): Called
}

async function serve(gate: Gate, work: () => Promise<string>): Promise<Service> {
  const handled = { work: 0, watch: 0 }
  const onWork: handleUnaryCall<string, string> = async (_call, answer) => {
    handled.work++
    answer(null, await work())
  }
  const onWatch: handleServerStreamingCall<string, string> = call => {
    handled.watch++
    const timer = setInterval(() => call.write('tick'), 20)
    call.on('cancelled', () => clearInterval(timer))
  }
  const onCheck: handleUnaryCall<string, string> = (_call, answer) => answer(null, 'alive')
  const server = new Server({ interceptors: [gateInterceptor(gate, ServerInterceptingCall)] })
  server.addService(methods, { work: onWork, watch: onWatch, check: onCheck })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  const Client = makeGenericClientConstructor(methods, 'Orders')
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => {
    client.close()
    server.forceShutdown()
  })
  return {
    port,
    handled,
    call(method, options = {}) {
      const { path, requestSerialize, responseDeserialize } = methods[method]
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        'please',
        new Metadata(),
        options,
      )
      const messages: string[] = []
      call.on('data', message => messages.push(message))
      call.on('error', () => {})
      const ended = new Promise<Pick<ServiceError, 'code' | 'details'>>(resolve => call.on('status', resolve))
      return { messages, ended, cancel: () => call.cancel() }
    },
  }
}

/** Its handler answers when it is told to. */
async function serveUnfinished(gate: Gate) {
  const { promise, resolve: finish } = Promise.withResolvers<string>()
  return { service: await serve(gate, () => promise), finish }
}

async function openLedger(database: ScratchDatabase) {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.apply('0001_users', '0002_tickets')
  const gate = gateOf({ url: database.url, manifest: app, staleAfter: 2000, pollInterval: 100 })
  await gate.whenOpen({ timeout: 5000 })
  return { ledger, gate }
}

test('calls are refused behind a closed gate, but for health checks, and count while they are inside', async ({
  database,
}) => {
  const { ledger, gate } = await openLedger(database)
  const { service, finish } = await serveUnfinished(gate)
  const call = service.call('work')
  await eventually(() => expect(service.handled.work).toBe(1))
  await ledger.begin({ name: '0003_breaking', breaking: true })
  await ledger.notify({ event: 'breaking' })
  await eventually(() => expect(gate.state).toBe('too-old'))

  const refused = await service.call('work').ended
  expect(refused.code).toBe(status.UNAVAILABLE)
  expect(refused.details).toContain('0003_breaking')
  expect(service.handled.work).toBe(1)
  expect((await service.call('check').ended).code).toBe(status.OK)

  const drained = `select from pg_stat_activity where datname = current_database() and application_name = 'schemagate:drained'`
  expect((await database.query(drained)).rows).toHaveLength(0)
  finish('done')
  expect((await call.ended).code).toBe(status.OK)
  expect(call.messages).toEqual(['done'])
  await eventually(async () => expect((await database.query(drained)).rows).toHaveLength(1))
})

test('a stream and an answer that is late are ended when the ledger is taken away', async ({ database }) => {
  const { ledger, gate } = await openLedger(database)
  const { service, finish } = await serveUnfinished(gate)
  const late = service.call('work')
  const stream = service.call('watch')
  await eventually(() => expect(stream.messages.length).toBeGreaterThan(2))
  await eventually(() => expect(service.handled.work).toBe(1))
  await ledger.drop()
  expect((await stream.ended).code).toBe(status.UNAVAILABLE)
  expect((await late.ended).code).toBe(status.UNAVAILABLE)
  finish('from the older schema')
  expect(late.messages).toEqual([])
  await eventually(() => expect(gate.state).toBe('unmigrated'))
})

test('a stream, or a call whose message does not come, ends ten seconds after the gate has closed, and one that was cancelled once its handler is done', async ({
  database,
}) => {
  const { ledger, gate } = await openLedger(database)
  const { service, finish } = await serveUnfinished(gate)
  const cancelled = service.call('work')
  await eventually(() => expect(service.handled.work).toBe(1))
  const stream = service.call('watch')
  await eventually(() => expect(stream.messages.length).toBeGreaterThan(2))
  const session = connect(`http://127.0.0.1:${service.port}`)
  onTestFinished(() => session.destroy())
  await once(session, 'connect')
  const headers = { 'content-type': 'application/grpc', te: 'trailers' }
  const begun = session.request({ ':method': 'POST', ':path': methods.work.path, ...headers })
  const refused = once(begun, 'response')
  // once it is answered, what was sent before has come
  await new Promise<void>((resolve, reject) => session.ping(error => (error ? reject(error) : resolve())))
  cancelled.cancel()
  expect((await cancelled.ended).code).toBe(status.CANCELLED)
  await ledger.begin({ name: '0003_breaking', breaking: true })
  await ledger.notify({ event: 'breaking' })
  await eventually(() => expect(gate.state).toBe('too-old'))
  const closedAt = performance.now()
  finish('to nobody')
  expect((await stream.ended).code).toBe(status.UNAVAILABLE)
  expect((await refused)[0]['grpc-status']).toBe(String(status.UNAVAILABLE))
  expect(performance.now() - closedAt).toBeGreaterThan(9000)
  const drained = `select from pg_stat_activity where datname = current_database() and application_name = 'schemagate:drained'`
  await eventually(async () => expect((await database.query(drained)).rows).toHaveLength(1))
})
