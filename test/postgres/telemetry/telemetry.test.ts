// OpenTelemetry: what a run sends to a collector, and what the gate reports through the API's own SDK.

import { createServer, type ServerResponse } from 'node:http'
import { metrics, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, onTestFinished } from 'vitest'
import { reportGate } from '../../../gate/opentelemetry.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { gateOf, ledgerOf, manifest, urlOf } from '../gate/fixtures.ts'

interface SentSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, string> }[]
}

/** A collector that keeps what it is sent, and answers with this status. */
async function collector(status = 200, answer = (response: ServerResponse) => void response.end('{}')) {
  const bodies: Record<string, string[]> = {}
  const headers: (string | undefined)[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    const path = request.url ?? ''
    headers.push(request.headers['x-key']?.toString())
    const sent = bodies[path] ?? []
    bodies[path] = sent
    sent.push(body)
    answer(response.writeHead(status, { 'content-type': 'application/json' }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const spans = (): SentSpan[] =>
    (bodies['/v1/traces'] ?? []).flatMap(body => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans)
  return { url: urlOf(server), bodies, headers, spans }
}

const ofKey = (span: SentSpan, key: string) => Object.values(span.attributes.find(a => a.key === key)?.value ?? {})[0]

describe('a run', () => {
  test('is a span with one for each migration that it reached, in the trace that it was started in', async ({
    database,
  }) => {
    const { url, spans, bodies, headers } = await collector()
    const dir = await folder({
      '0001_users.sql': 'create table users (id int); select pg_sleep(0.2);',
      '0002_wrong.sql': 'create table users (id int);',
      '0003_later.sql': 'select 1;',
    })
    const env = {
      DATABASE_URL: database.url,
      SCHEMAGATE_DIR: dir,
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20secret',
      OTEL_SERVICE_NAME: 'migrator of tests',
      TRACEPARENT: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    }
    const { code, stdout } = await schemagate(['up'], { env })
    expect(code).toBe(5)
    expect(stdout).not.toContain('telemetry')
    const [run, first, second, ...more] = spans()
    expect([run?.name, first?.name, second?.name, more]).toEqual([
      'schemagate up',
      'up 0001_users',
      'up 0002_wrong',
      [],
    ])
    expect(new Set(spans().map(span => span.traceId))).toEqual(new Set(['0af7651916cd43dd8448eb211c80319c']))
    expect([run?.parentSpanId, first?.parentSpanId, second?.parentSpanId]).toEqual([
      'b7ad6b7169203331',
      run?.spanId,
      run?.spanId,
    ])
    expect(spans().map(span => span.status.code)).toEqual([2, 1, 2])
    expect(run?.status.message).toContain('0002_wrong')
    expect(ofKey(run!, 'schemagate.exit_code')).toBe('5')
    const took = (span: SentSpan) => Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6
    expect(took(first!)).toBeGreaterThan(190)
    expect(BigInt(run!.startTimeUnixNano)).toBeLessThanOrEqual(BigInt(first!.startTimeUnixNano))
    expect(BigInt(first!.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(run!.endTimeUnixNano))
    expect(new Set(headers)).toEqual(new Set(['a secret']))
    expect(bodies['/v1/traces']?.[0]).toContain('migrator of tests')
    expect(bodies['/v1/metrics']?.[0]).toContain('"name":"schemagate.run.duration"')
    // neither the connection nor the SQL's values
    expect(JSON.stringify(bodies)).not.toContain('postgres://')
  })

  test('is not changed by a collector that refuses, or is not there', async ({ database }) => {
    const dir = await folder({ '0001_users.sql': 'create table users (id int);' })
    const { url } = await collector(500)
    for (const [endpoint, why] of [
      [url, 'it answered 500'],
      ['http://127.0.0.1:59999', 'ECONNREFUSED'],
      ['no address', 'Invalid URL'],
    ] as const) {
      const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }
      const { code, lines } = await schemagate(['up'], { env })
      expect(code).toBe(0)
      expect(lines.find(line => line.event === 'telemetry')?.msg).toContain(why)
    }
  })

  test('sends no secret that an error quotes', async ({ database }) => {
    const { url, bodies, spans } = await collector()
    const dir = await folder({
      '0001_reports.sql': `select 'postgres://reports:hunter2@db/reports'::int;`,
    })
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, OTEL_EXPORTER_OTLP_ENDPOINT: url }
    expect((await schemagate(['up'], { env })).code).toBe(5)
    expect(spans()).toHaveLength(2)
    for (const { status } of spans()) expect(status.message).toContain('postgres://reports:***@db/reports')
    expect(JSON.stringify(bodies)).not.toContain('hunter2')
  })

  // Node names the header that it refuses, with its value
  test.for(['authorization=Bearer%20hunter2%0Ax', 'Authorization: Bearer hunter2='])(
    'shows no token of headers that cannot be sent: %s',
    async (headers, { database }) => {
      const { url, bodies } = await collector()
      const dir = await folder({ '0001_users.sql': 'create table users (id int);' })
      const env = {
        DATABASE_URL: database.url,
        SCHEMAGATE_DIR: dir,
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_HEADERS: headers,
      }
      const { code, stdout, stderr } = await schemagate(['up'], { env })
      expect(code).toBe(0)
      expect(stdout).toContain('OTEL_EXPORTER_OTLP_HEADERS')
      expect(stdout + stderr).not.toContain('hunter2')
      expect(bodies).toEqual({})
    },
  )

  test('does not wait for the end of an answer', async ({ database }) => {
    const dir = await folder({ '0001_users.sql': 'create table users (id int);' })
    const { url } = await collector(200, response => void response.write('never whole'))
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, OTEL_EXPORTER_OTLP_ENDPOINT: url }
    const { code, lines } = await schemagate(['up'], { env })
    expect(code).toBe(0)
    expect(lines.find(line => line.event === 'telemetry')).toBeUndefined()
  })

  test('sends nothing where the SDK is disabled', async ({ database }) => {
    const dir = await folder({ '0001_users.sql': 'create table users (id int);' })
    const { url, bodies } = await collector()
    const env = {
      DATABASE_URL: database.url,
      SCHEMAGATE_DIR: dir,
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_SDK_DISABLED: 'true',
    }
    expect((await schemagate(['up'], { env })).code).toBe(0)
    expect(bodies).toEqual({})
  })
})

test('a gate reports its closings as spans, and whether it is open as a metric', async ({ database }) => {
  const spans = new InMemorySpanExporter()
  const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 3_600_000 })
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  onTestFinished(() => {
    trace.disable()
    metrics.disable()
  })
  const app = manifest('0001_users')
  const ledger = ledgerOf(database)
  const gate = gateOf({ url: database.url, manifest: app, pollInterval: 100 })
  const end = reportGate(gate)
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  await ledger.create()
  await eventually(() => expect(gate.detail).toContain('empty ledger'))
  await ledger.applyQuietly('0001_users')
  await gate.whenOpen({ timeout: 5000 })
  await eventually(() => expect(spans.getFinishedSpans()).toHaveLength(1))
  const [closed] = spans.getFinishedSpans()
  expect(closed?.name).toBe('gate closed')
  expect(closed?.attributes).toEqual({ 'schemagate.state': 'unreachable' })
  expect(closed?.events.map(event => event.name)).toEqual(['unreachable', 'unmigrated', 'unmigrated'])

  const measured = async (name: string) => {
    points.reset()
    await reader.forceFlush()
    const all = points.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(scope => scope.metrics))
    return all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []
  }
  const gauge = async () => (await measured('schemagate.gate.open')).at(-1)?.value
  // without a ledger, and then with an empty one, it was the same state
  const changes = (await measured('schemagate.gate.changes')).map(({ attributes, value }) => [
    attributes['schemagate.state'],
    value,
  ])
  expect(Object.fromEntries(changes)).toEqual({ unmigrated: 1, open: 1 })
  expect(await gauge()).toBe(1)
  await ledger.drop()
  await eventually(() => expect(gate.isOpen).toBe(false))
  expect(await gauge()).toBe(0)
  end()
  await eventually(() => expect(spans.getFinishedSpans()).toHaveLength(2))
})
