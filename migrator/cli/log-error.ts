// An error as a field of the log.

import { exitCodes } from '../errors.ts'
import { shorten } from '../text/shorten.ts'
import { messageOfThrown } from '../text/thrown.ts'

/** Only the fields of an error that help: a raw one holds its client, and with it the password. */
export function serialiseError(error: unknown): unknown {
  return serialise(error, new Set(), false)
}

/** @param isExplained it is the cause of an error whose message says everything. */
function serialise(error: unknown, seen: ReadonlySet<unknown>, isExplained: boolean): unknown {
  if (!(error instanceof Error)) return { message: shorten(messageOfThrown(error)) }
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
  const isForeseen = 'exitCode' in error
  // of a failed migration the cause may be an error in its code
  const explains = isExplained || (isForeseen && error.exitCode !== exitCodes.failed)
  if (error.cause !== undefined && !causes.has(error.cause)) shown.cause = serialise(error.cause, causes, explains)
  // the message of a foreseen error says everything; for any other the place in the code is needed
  if (!isForeseen && !isExplained && !('severity' in error)) shown.stack = error.stack
  return shown
}
