// One command of a service's start, with where it is written and what runs it.

import type { ShellCommand } from '../shell/shell.ts'
import type { Shell } from './wrappers.ts'

export interface Step extends ShellCommand {
  /** Its words, with one space between them, as far as they are read. */
  readonly text: string
  /** The whole command, as a shell would have to read it. */
  readonly sources: readonly string[]
  /** False: it goes over several lines, or something stands around it that is not in `sources`. */
  readonly isLine: boolean
  /** As the files have it, with Compose's variables shielded; undefined where that is no line. */
  readonly written: string | undefined
  /** Where it is written: in the compose file as the command or a hook, or in a file of the build context. */
  readonly from: 'compose' | 'context' | HookName
  /** What reads it; undefined where that is no shell. */
  readonly shell: Shell | undefined
  /** The shells inside of each other that it is run by, outermost first, each by a number. */
  readonly processes: readonly number[]
}

export type HookName = 'pre_start' | 'post_start'

/** Compose runs it, and not the service. */
export function isHook({ from }: Step): boolean {
  return from === 'pre_start' || from === 'post_start'
}

/** The commands of a start, in their order. */
export interface Startup {
  readonly steps: readonly Step[]
  /** False: an image decides, and its entrypoint cannot be seen. */
  readonly isKnown: boolean
}
