// `wait`, for engines without start conditions: when the database matches, it becomes the command that it was given.

import { accessSync, constants as fsConstants, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { exitCodes, UsageError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { defineCommand } from '../command.ts'
import { logFailure } from '../run-summary.ts'
import { manifestOption } from '../shared-options.ts'

export const waitCommand = defineCommand({
  name: 'wait',
  summary: 'asks what `check` asks until the answer is yes or the time is up; then runs COMMAND, if one is given',
  description:
    'It keeps asking while Postgres refuses the login: before the first run of the migrator the app has none. With `-- COMMAND ARGS` the process becomes the command once the database matches, so that signals and the exit code are those of the command.',
  logsToStdout: true,
  database: true,
  follows: true,
  positionals: { names: [], required: 0, rest: true },
  options: {
    manifest: manifestOption,
    timeout: { flag: 'timeout', kind: 'duration', default: '60s', help: 'how long to ask' },
  },
  async run({ engine, log, options, rest }) {
    const { wait } = await import('../../verbs/wait.ts')
    const { error } = await wait(engine, { timeout: options.timeout, manifestFile: options.manifest })
    if (error) {
      logFailure(log, error)
      return error.exitCode
    }
    const [command, ...args] = rest
    return command === undefined ? exitCodes.done : become([command, ...args], log)
  },
})

/**
 * Becomes the command. `process.execve` (Node 24 on) replaces this process, so that the command is PID 1 if this was, and
 * signals and exit code are its own.
 * @throws UsageError if it cannot be executed.
 */
function become(command: readonly [string, ...string[]], log: Log): never {
  const file = findExecutable(command[0])
  if (file === undefined)
    throw new UsageError(`The command ${JSON.stringify(command[0])} is not in PATH, or cannot be executed.`)
  log.info({ event: 'exec' }, `starting ${command[0]}`)
  if (!process.execve)
    throw new UsageError('`wait -- COMMAND` needs a system with execve: Linux, macOS or another Unix.')
  undoNodeSetup()
  try {
    return process.execve(file, [...command], definedVariables())
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new UsageError(
      `The command ${JSON.stringify(command[0])} cannot be executed (${why}): a script has to begin with a line such as #!/bin/sh that names a program which is there, and a program has to be one for this system.`,
      { cause },
    )
  }
}

/** Undoes what Node has set for itself and `execve` keeps. */
function undoNodeSetup(): void {
  // An ignored signal stays ignored; one that has a handler gets its default action.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {})
  // Node's pipes do not block. A program that does not expect that loses what a full one does not take.
  for (const { _handle: handle } of [process.stdout, process.stderr] as Piped[]) handle?.setBlocking?.(true)
}

/** What Node's own streams have, and their types do not. */
interface Piped {
  readonly _handle?: { setBlocking?(isBlocking: boolean): void } | null
}

/** As execvp searches: a name with a slash is a path, any other is looked for in PATH. */
function findExecutable(name: string): string | undefined {
  const candidates = name.includes('/')
    ? [resolve(name)]
    : (process.env.PATH ?? '').split(delimiter).map(dir => join(dir, name))
  return candidates.find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, fsConstants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function definedVariables(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
