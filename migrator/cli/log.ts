// The log: pino, as JSON lines or pretty, without secrets.

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

/** Makes the log. It writes synchronously, so that nothing is lost when the process ends. */
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

/** Only the fields of an error that help: a raw one holds its client, and with it the password. */
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
  // the message of a foreseen error says everything; for any other the place in the code is needed
  if (!('exitCode' in error) && !('severity' in error)) shown.stack = error.stack
  return shown
}
