// What a command is: a verb, its syntax, and what it does with settings.

import type { ExitCode } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Engine } from '../run/engine.ts'
import type { OptionValue } from './options.ts'
import type { Parsed, Syntax } from './settings.ts'

/** What a command is handed when it runs. */
export interface Invocation extends Parsed {
  readonly engine: Engine
  readonly log: Log
  readonly signal: AbortSignal
  /** Writes a result to stdout, with a newline. */
  print(text: string): void
}

export interface Command extends Syntax {
  /** One line for the list of commands. */
  readonly summary: string
  /** More, for the command's own help. */
  readonly description?: string
  /** Its logs are its output, on stdout; for the others they go to stderr. */
  readonly logsToStdout: boolean
  run(invocation: Invocation): Promise<ExitCode>
}

/** The texts of an option of the kind `list`. */
export function names(value: OptionValue): readonly string[] {
  return typeof value === 'object' ? value : []
}
