// What a command logs to, and how.

import type { Log } from '../log.ts'
import type { ProgressDisplay } from '../progress/progress.ts'

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
