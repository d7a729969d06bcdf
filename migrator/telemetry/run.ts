// A run as a trace and as metrics: a span for the run, and one for each migration that it reached.

import type { Engine } from '../run/engine.ts'
import type { RunResult } from '../run/result.ts'
import { shorten } from '../text/shorten.ts'
import { Exporter, type Span } from './otlp.ts'

/** Sends what a run came to. */
export async function exportRun(
  verb: 'up' | 'down',
  result: RunResult,
  { settings, log, redact }: Pick<Engine, 'settings' | 'log' | 'redact'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const { runId, outcome, exitCode, head, durationMs, migrations, endedAt, error } = result
  const end = Date.now()
  const shared = { 'db.system.name': 'postgresql', 'db.namespace': settings.target.database }
  // the server quotes values, and code says what it likes
  const said = error && shorten(redact(error.message.split('\n')[0]!))
  const children = migrations.flatMap(({ name, kind, status, durationMs: took }): Span[] => {
    const ended = endedAt[name]
    if (ended === undefined) return []
    const attributes = { ...shared, 'schemagate.migration': name, 'schemagate.kind': kind, 'schemagate.status': status }
    const failed = status === 'failed' ? (said ?? 'failed') : undefined
    return [{ name: `${verb} ${name}`, start: ended - took, end: ended, attributes, error: failed }]
  })
  const attributes = {
    ...shared,
    'schemagate.run_id': runId,
    'schemagate.outcome': outcome,
    'schemagate.exit_code': exitCode,
    'schemagate.head': head ?? undefined,
  }
  const span: Span = {
    name: `schemagate ${verb}`,
    start: end - durationMs,
    end,
    attributes,
    error: said,
    children,
  }
  const count = (status: string) => migrations.filter(migration => migration.status === status).length
  const exporter = new Exporter(env, log)
  await Promise.all([
    exporter.spans([span]),
    exporter.metrics([
      {
        name: 'schemagate.migrations',
        unit: '{migration}',
        description: 'migrations applied or reverted',
        value: count('applied') + count('reverted'),
        attributes: { ...shared, 'schemagate.verb': verb },
        isCount: true,
      },
      {
        name: 'schemagate.run.duration',
        unit: 's',
        description: 'how long the run took',
        value: durationMs / 1000,
        attributes: { ...shared, 'schemagate.verb': verb, 'schemagate.outcome': outcome },
      },
    ]),
  ])
}
