// The gate service's openings and closings: a span for each time that it was closed, and whether it is open as a metric.

import type { Gate } from '../../gate/gate.ts'
import type { Log } from '../log.ts'
import { Exporter } from './otlp.ts'

/** Sends each change, until the gate is closed for good. */
export function exportGate(gate: Gate, log: Log, env: NodeJS.ProcessEnv = process.env): void {
  const exporter = new Exporter(env, log)
  let closedSince: number | undefined = Date.now()
  gate.on('change', ({ state }, previous) => {
    const now = Date.now()
    const isOpen = state === 'open'
    const description = '1 while the gate is open'
    const attributes = { 'schemagate.state': state }
    void exporter.metrics([{ name: 'schemagate.gate.open', unit: '1', description, value: Number(isOpen), attributes }])
    if (isOpen && closedSince !== undefined)
      void exporter.spans([
        { name: 'gate closed', start: closedSince, end: now, attributes: { 'schemagate.state': previous.state } },
      ])
    closedSince = isOpen ? undefined : (closedSince ?? now)
  })
}
