// What a command accepts on its command line.

import type { Options } from '../settings/option.ts'

/** What a command accepts on its command line, in addition to the common options. */
export interface Syntax<O extends Options = Options> {
  readonly name: string
  readonly options: O
  readonly positionals: {
    readonly names: readonly string[]
    readonly required: number
    /** The last name stands for any number of arguments. */
    readonly many?: boolean
    /** What follows `--` is taken, too. */
    readonly rest?: boolean
  }
  /** False: the command reads no folder of migrations. */
  readonly folder?: false
  /** False: the command talks to no database. */
  readonly database: boolean
  /** It can ask for another tool's history: `--follow`. */
  readonly follows?: true
}
