// Spans and metrics over OTLP/HTTP as JSON, by OpenTelemetry's own environment variables. Loaded only where they ask for it.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and https://opentelemetry.io/docs/specs/otlp/#otlphttp

import { randomBytes } from 'node:crypto'
import type { Log } from '../log.ts'
import { version } from '../version.ts'

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

export interface Span {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly start: number
  readonly end: number
  readonly attributes: Attributes
  /** What went wrong; undefined if nothing did. */
  readonly error?: string | undefined
  readonly children?: readonly Span[]
}

export interface Metric {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly value: number
  readonly attributes?: Attributes
  /** Adds to what was counted before; else the value as it is now. */
  readonly isCount?: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/** Milliseconds that one request may take where OTEL_EXPORTER_OTLP_TIMEOUT says nothing: a run must not wait for long. */
const defaultTimeout = 2_000

/** True if telemetry is asked for. */
export function isTelemetryOn(env: Environment): boolean {
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT) && env.OTEL_SDK_DISABLED !== 'true'
}

/** Sends to the collector that the environment names. A collector that does not answer is logged, and changes nothing else. */
export class Exporter {
  readonly #env: Environment
  readonly #log: Log

  constructor(env: Environment, log: Log) {
    this.#env = env
    this.#log = log
  }

  /** Sends spans, each with its children, into the trace that TRACEPARENT names or into one of their own. */
  async spans(spans: readonly Span[]): Promise<void> {
    const parent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(this.#env.TRACEPARENT ?? '')
    const traceId = parent?.[1] ?? randomBytes(16).toString('hex')
    const flat = spans.flatMap(span => flattened(span, traceId, parent?.[2]))
    const scopeSpans = [{ scope, spans: flat }]
    await this.#send('traces', { resourceSpans: [{ resource: this.#resource(), scopeSpans }] })
  }

  async metrics(metrics: readonly Metric[]): Promise<void> {
    const now = nano(Date.now())
    const scopeMetrics = [{ scope, metrics: metrics.map(metric => asMetric(metric, now)) }]
    await this.#send('metrics', { resourceMetrics: [{ resource: this.#resource(), scopeMetrics }] })
  }

  #resource() {
    const given = pairs(this.#env.OTEL_RESOURCE_ATTRIBUTES)
    const name = this.#env.OTEL_SERVICE_NAME
    return {
      attributes: asAttributes({ 'service.name': 'schemagate', ...given, ...(name && { 'service.name': name }) }),
    }
  }

  /** @throws Error without what was given: a token would be quoted. */
  #headers(): Headers {
    try {
      return new Headers({ ...pairs(this.#env.OTEL_EXPORTER_OTLP_HEADERS), 'content-type': 'application/json' })
    } catch {
      throw new Error('OTEL_EXPORTER_OTLP_HEADERS has what no HTTP header may have: write name=value,name=value')
    }
  }

  async #send(signal: 'traces' | 'metrics', body: unknown): Promise<void> {
    const endpoint = (this.#env.OTEL_EXPORTER_OTLP_ENDPOINT ?? '').replace(/\/+$/, '')
    const timeout = Number(this.#env.OTEL_EXPORTER_OTLP_TIMEOUT) || defaultTimeout
    try {
      if (this.#env.OTEL_EXPORTER_OTLP_PROTOCOL === 'grpc')
        throw new Error(
          'OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and only HTTP is spoken here: name the collector by its port 4318',
        )
      const response = await fetch(`${endpoint}/v1/${signal}`, {
        method: 'POST',
        headers: this.#headers(),
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeout),
        redirect: 'error',
      })
      // what else it says does not matter, and may have no end
      await response.body?.cancel()
      if (!response.ok) throw new Error(`it answered ${response.status}`)
    } catch (error) {
      const why = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : error
      this.#log.warn({ event: 'telemetry' }, `the collector did not take the ${signal}: ${why}`)
    }
  }
}

const scope = { name: 'schemagate', version }

function flattened(span: Span, traceId: string, parentSpanId: string | undefined): object[] {
  const spanId = randomBytes(8).toString('hex')
  const own = {
    traceId,
    spanId,
    ...(parentSpanId && { parentSpanId }),
    name: span.name,
    kind: 1,
    startTimeUnixNano: nano(span.start),
    endTimeUnixNano: nano(span.end),
    attributes: asAttributes(span.attributes),
    status: span.error === undefined ? { code: 1 } : { code: 2, message: span.error },
  }
  return [own, ...(span.children ?? []).flatMap(child => flattened(child, traceId, spanId))]
}

function asMetric({ name, unit, description, value, attributes = {}, isCount }: Metric, now: string): object {
  const point = { timeUnixNano: now, startTimeUnixNano: now, asDouble: value, attributes: asAttributes(attributes) }
  const dataPoints = [point]
  // temporality 1: what was counted since the last time, which is all that a process of one run can say
  return isCount
    ? { name, unit, description, sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints } }
    : { name, unit, description, gauge: { dataPoints } }
}

function asAttributes(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]): object[] => {
    if (value === undefined) return []
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }]
    if (typeof value === 'boolean') return [{ key, value: { boolValue: value } }]
    return [{ key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } }]
  })
}

function nano(milliseconds: number): string {
  return (BigInt(Math.round(milliseconds * 1000)) * 1000n).toString()
}

/** `key=value,key=value`, percent-encoded. */
function pairs(text: string | undefined): Record<string, string> {
  const decoded = (value: string) => {
    try {
      return decodeURIComponent(value.trim())
    } catch {
      return value.trim()
    }
  }
  return Object.fromEntries(
    (text ?? '').split(',').flatMap(pair => {
      const at = pair.indexOf('=')
      return at < 1 ? [] : [[decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))]]
    }),
  )
}
