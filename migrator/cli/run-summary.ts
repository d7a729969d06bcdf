// Logs the result of a run: the cause of a failure, then the line that ends every run.

import { type ExitCode, InterruptedError, MigrationFailedError, type SchemagateError, UsageError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Engine } from '../run/engine.ts'
import type { Results, RunResult } from '../run/result.ts'
import { formatDuration } from '../text/durations.ts'
import { shorten } from '../text/shorten.ts'

/**
 * Logs the result of a run, and returns its exit code.
 * @param aim what the run does with migrations: `up` applies them, `down` reverts them.
 */
export function summarise(log: Log, result: RunResult, aim: 'applied' | 'reverted'): ExitCode {
  if (result.error) logFailure(log, result.error)
  const count = (status: string) => result.migrations.filter(m => m.status === status).length
  const { outcome, exitCode, runId, head, durationMs, migrations } = result
  const done = `${count(aim)} ${aim}`
  const notReached = count('not-reached')
  // a run that failed may not know the head
  const at = head === null && result.error ? '' : `; the head is ${head ?? 'none'}`
  const text =
    outcome === 'nothing-to-do'
      ? `nothing to do${at}`
      : `${outcome}: ${done}${notReached ? `, ${notReached} not reached` : ''}${at}`
  log.info(
    {
      event: 'run',
      outcome,
      applied: count('applied'),
      ...((aim === 'reverted' || count('reverted') > 0) && { reverted: count('reverted') }),
      ...(count('skipped') > 0 && { skipped: count('skipped') }),
      ...(notReached > 0 && { notReached }),
      exitCode,
      head,
      durationMs,
      runId,
      ...(outcome !== 'nothing-to-do' && { migrations }),
    },
    `${text} (${formatDuration(durationMs)}, exit code ${exitCode})`,
  )
  return exitCode
}

/** The line of a run that did not come to its end: it failed before it began, or a migration has ended the process. */
export function summariseEarlyEnd(
  log: Log,
  results: Results,
  error: SchemagateError | undefined,
  exitCode: ExitCode,
): void {
  const outcome = error instanceof InterruptedError ? 'interrupted' : 'failed'
  const [applied, reverted] = [results.count('applied'), results.count('reverted')]
  const done = reverted > 0 ? `: ${reverted} reverted` : applied > 0 ? `: ${applied} applied` : ''
  log.info(
    { event: 'run', outcome, applied, ...(reverted > 0 && { reverted }), exitCode },
    `${outcome}${done} (exit code ${exitCode})`,
  )
}

/** Logs the cause in one line; the SQL excerpt is a field, which a terminal shows under it. */
export function logFailure(log: Log, error: SchemagateError): void {
  const place = error instanceof MigrationFailedError || error instanceof UsageError ? error.place : undefined
  log.error(
    {
      err: error,
      ...(error instanceof MigrationFailedError && { migration: error.migration }),
      ...(place && { file: place.file, line: place.line, column: place.column, excerpt: place.excerpt }),
    },
    shorten(error.message),
  )
}

/** Sends a run to OpenTelemetry's collector, where the environment names one; nothing is loaded for it otherwise. */
export async function reportRun(
  engine: Pick<Engine, 'settings' | 'log' | 'redact'>,
  verb: 'up' | 'down',
  result: RunResult,
): Promise<void> {
  if (!process.env.OTEL_EXPORTER_OTLP_ENDPOINT || process.env.OTEL_SDK_DISABLED === 'true') return
  const { exportRun } = await import('../telemetry/run.ts')
  await exportRun(verb, result, engine)
}
