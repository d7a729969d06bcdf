// The log: JSON lines or pretty, without secrets, written at once, so that nothing is lost when the process ends.

import type { CommandLog, LogOptions } from './command-log.ts'
import { jsonLog } from './log-json.ts'

/**
 * Makes the log. pino is loaded for a person's eyes only: it takes longer than all else that a run with nothing to do
 * loads.
 */
export async function createLog(options: LogOptions): Promise<CommandLog> {
  if (options.format === 'json') return jsonLog(options)
  const { prettyLog } = await import('./log-pretty.ts')
  return prettyLog(options)
}
