// What a command is: a verb, its syntax, and what it does with settings.

import type { ExitCode } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Engine } from '../run/engine.ts'
import type { Options } from '../settings/option.ts'
import type { Parsed } from './command-line.ts'
import type { Printer } from './print.ts'
import type { Syntax } from './syntax.ts'

/** What a command is handed when it runs. */
export interface Invocation<O extends Options = Options> extends Parsed<O> {
  readonly engine: Engine
  readonly log: Log
  readonly signal: AbortSignal
  /** Where a result is written to: stdout. */
  readonly print: Printer
}

export interface Command<O extends Options = Options> extends Syntax<O> {
  /** One line for the list of commands. */
  readonly summary: string
  /** More, for the command's own help. */
  readonly description?: string
  /** Its logs are its output, on stdout; for the others they go to stderr. */
  readonly logsToStdout: boolean
  /** It commits something to the database: an interruption rolls back what is not committed yet. */
  readonly commits?: true
  run(invocation: Invocation<O>): Promise<ExitCode>
}

/** A command whose options' values have their types. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command
}
