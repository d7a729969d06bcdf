// An error as a field of the log.

import { shorten } from '../text/shorten.ts'

/** Only the fields of an error that help: a raw one holds its client, and with it the password. */
export function serialiseError(error: unknown, seen: ReadonlySet<unknown> = new Set()): unknown {
  if (!(error instanceof Error)) return { message: shorten(String(error)) }
  const shown: Record<string, unknown> = { type: error.name, message: shorten(error.message) }
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
    if (value !== undefined && value !== null) shown[field] = typeof value === 'string' ? shorten(value) : value
  }
  // some errors are their own cause
  const causes = new Set([...seen, error])
  if (error.cause !== undefined && !causes.has(error.cause)) shown.cause = serialiseError(error.cause, causes)
  // the message of a foreseen error says everything; for any other the place in the code is needed
  if (!('exitCode' in error) && !('severity' in error)) shown.stack = error.stack
  return shown
}
