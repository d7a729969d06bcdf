// The gate's openings and closings for OpenTelemetry, through the API that the app's own SDK has set up.

import { metrics, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Gate } from './gate.ts'
import type { GateStatus } from './status.ts'

/**
 * Reports a gate: a span `gate closed` for each time that it was closed, with its state as an attribute and an event for each
 * change of it; the gauge `schemagate.gate.open`, 1 or 0; and the counter `schemagate.gate.changes`. Needs
 * `@opentelemetry/api`, and does nothing while no SDK is registered with it. Returns a function that ends the reports.
 */
export function reportGate(gate: Gate): () => void {
  const meter = metrics.getMeter('schemagate-gate')
  const tracer = trace.getTracer('schemagate-gate')
  const changes = meter.createCounter('schemagate.gate.changes', {
    description: 'changes of the gate, by its new state',
  })
  const open = meter.createObservableGauge('schemagate.gate.open', { description: '1 while the gate is open' })
  const observe = (result: { observe(value: number, attributes: { 'schemagate.state': string }): void }) =>
    result.observe(Number(gate.isOpen), { 'schemagate.state': gate.state })
  open.addCallback(observe)
  let closed: Span | undefined
  const report = () => {
    const { state, detail } = gate.status
    if (gate.isOpen) {
      closed?.setStatus({ code: SpanStatusCode.OK })
      closed?.end()
      closed = undefined
      return
    }
    closed ??= tracer.startSpan('gate closed', { attributes: { 'schemagate.state': state } })
    closed.addEvent(state, { detail })
  }
  const onChange = ({ state }: GateStatus, previous: GateStatus) => {
    // what is missing may change as well, in one state
    if (state !== previous.state) changes.add(1, { 'schemagate.state': state })
    report()
  }
  report()
  gate.on('change', onChange)
  return () => {
    gate.off('change', onChange)
    open.removeCallback(observe)
    closed?.end()
  }
}
