// The log: JSON lines or pretty, without secrets, written at once, so that nothing is lost when the process ends.

import type { Log } from '../log.ts'
import type { ProgressDisplay } from '../progress/progress.ts'
import { jsonLog } from './log-json.ts'

export interface LogOptions {
  readonly level: string
  readonly format: 'pretty' | 'json'
  /** 1 for stdout, 2 for stderr. */
  readonly fd: number
  /** Takes secrets out of a text. */
  redact(text: string): string
}

/** What a command logs to. */
export interface CommandLog extends Log {
  /** On a terminal: a line below those of the log. */
  readonly progressDisplay?: ProgressDisplay
}

/** Makes the log. pino is loaded for a person's eyes only: it takes longer than all else that a run with nothing to do loads. */
export async function createLog(options: LogOptions): Promise<CommandLog> {
  if (options.format === 'json') return jsonLog(options)
  const { prettyLog } = await import('./log-pretty.ts')
  return prettyLog(options)
}
