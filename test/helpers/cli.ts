// Runs the real command-line tool as a process: the bundle, or the sources with TEST_CLI=source.

import { join } from 'node:path'
import { root } from '../../scripts/lib/root.ts'
import { cleanEnvironment, type Ended, type Environment, type Running, startProcess } from './process.ts'

export type { LogLine } from './process.ts'

const entry = join(root, process.env.TEST_CLI === 'source' ? 'migrator/cli/main.ts' : 'migrator/dist/schemagate.cjs')

export interface CliOptions {
  /** Added to an otherwise clean environment: nothing of the caller's PG*, DATABASE_URL or SCHEMAGATE_* gets through. */
  readonly env?: Environment
  readonly cwd?: string
  /** Another release's bundle. */
  readonly bundle?: string
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly input?: string
  /** A command line before its own, such as one that enters a namespace and becomes the process. */
  readonly within?: readonly string[]
  /** Milliseconds after which it is killed and the result is an error; a minute if not stated. */
  readonly timeout?: number
}

export type CliResult = Ended
export type RunningCli = Running

/** Runs it to its end: `await schemagate(['up'], { env: { DATABASE_URL: database.url } })`. */
export function schemagate(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return start(args, options).ended
}

/** Starts it and returns at once: for tests that watch it or kill it in the middle. */
export function start(args: readonly string[], options: CliOptions = {}): RunningCli {
  const { env, cwd, bundle = entry, input, within = [], timeout = 60_000 } = options
  return startProcess([...within, process.execPath, bundle, ...args], {
    cwd,
    env: cleanEnvironment(env),
    input,
    timeout,
  })
}
