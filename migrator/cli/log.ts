// The log: pino, as JSON lines or pretty, with every secret taken out on the way.

import { pino } from 'pino'
import type { Log } from '../log.ts'
import { redactLine } from '../text/redact.ts'

export interface LogOptions {
  readonly level: string
  readonly format: 'pretty' | 'json'
  /** 1 for stdout, 2 for stderr. */
  readonly fd: 1 | 2
  /** Takes secrets out of a text. */
  redact(text: string): string
}

/** Makes the log. Writes are synchronous, so that nothing is lost when the process ends. */
export async function createLog({ level, format, fd, redact }: LogOptions): Promise<Log> {
  const destination = pino.destination({ fd, sync: true })
  const sink = format === 'pretty' ? (await import('./log-pretty.ts')).prettySink(destination, fd) : destination
  const log: Log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: serialiseError },
    },
    { write: line => sink.write(redactLine(redact, line)) },
  )
  return log
}

/** Nothing of an error but what helps: a raw one would bring its client along, and the password with it. */
function serialiseError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const shown: Record<string, unknown> = { type: error.name, message: error.message }
  for (const field of [
    'code',
    'severity',
    'detail',
    'hint',
    'where',
    'schema',
    'table',
    'column',
    'constraint',
    'exitCode',
  ]) {
    const value: unknown = Reflect.get(error, field)
    if (value !== undefined && value !== null) shown[field] = value
  }
  if (error.cause !== undefined) shown.cause = serialiseError(error.cause)
  // a foreseen error tells all in its message; for the others the place in our code is what is asked for
  if (!('exitCode' in error) && !('severity' in error)) shown.stack = error.stack
  return shown
}
