// For engines without start conditions: asks until the database matches; then, if told so, becomes the command.

import { accessSync, constants as fsConstants, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, sqlstate } from '../../../gate/postgres/sqlstate.ts'
import { DeniedError, type ExitCode, exitCodes, NoAnswerError, type SchemagateError, UsageError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Engine } from '../../run/engine.ts'
import { asSchemagateError } from '../../run/result.ts'
import { formatDuration } from '../../text/durations.ts'
import { type Match, matches } from '../../verbs/check.ts'
import type { Command } from '../command.ts'
import { logFailure } from '../run-summary.ts'
import { manifestOption } from './check.ts'

const step = 250

/** An ask that began in time may take as long: what the last one learns is the answer, and not that time ran out on it. */
const leastPatience = 1_000

export const waitCommand: Command = {
  name: 'wait',
  summary: 'asks the same as `check` until the answer is yes or the time is up; then runs COMMAND, if there is one',
  description:
    'It goes on asking also while Postgres does not let it in: before the first run of the migrator the app has no login. With `-- COMMAND ARGS` it becomes the command once the database matches: the process is replaced where the system can, and signals and exit code are passed on.',
  logsToStdout: true,
  database: true,
  positionals: { names: [], required: 0, rest: true },
  options: {
    manifest: manifestOption,
    timeout: { flag: 'timeout', kind: 'duration', default: '60s', help: 'how long to ask' },
  },
  async run({ engine, log, own, rest, settings, signal }) {
    const code = await waitUntil(engine, log, signal, Number(own.timeout), settings.manifestFile)
    const [command, ...args] = rest
    return code === exitCodes.done && command !== undefined ? become([command, ...args], log) : code
  },
}

async function waitUntil(
  engine: Engine,
  log: Log,
  signal: AbortSignal,
  timeout: number,
  manifestFile: string | undefined,
): Promise<ExitCode> {
  const started = performance.now()
  const deadline = started + timeout
  let said = ''
  for (;;) {
    const remaining = Math.max(leastPatience, deadline - performance.now())
    const connectTimeout = Math.min(engine.settings.connectTimeout, remaining)
    const { state, head, error } = await ask(
      { ...engine, settings: { ...engine.settings, connectTimeout } },
      manifestFile,
    )
    const durationMs = Math.round(performance.now() - started)
    if (!error) {
      log.info(
        { event: 'matches', state, head, durationMs },
        `the database matches after ${formatDuration(durationMs)}; the head is ${head ?? 'none'}`,
      )
      return exitCodes.done
    }
    if (performance.now() >= deadline) {
      logFailure(log, error)
      return error.exitCode
    }
    if (error.message !== said) log.info({ event: 'waiting', durationMs }, `not yet: ${error.message}`)
    said = error.message
    await sleep(Math.min(step, deadline - performance.now()), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    )
  }
}

type Answer = Omit<Match, 'error'> & { readonly error?: SchemagateError }

/** The login, its password, the database and what it may read are made by the very run that is waited for. */
const stillToCome: ReadonlySet<string> = new Set(['28000', '28P01', '3D000', sqlstate.insufficientPrivilege])

/** Postgres may still come, and so may the right to ask; any other error is an answer. */
async function ask(engine: Engine, manifestFile: string | undefined): Promise<Answer> {
  try {
    return await matches(engine, manifestFile)
  } catch (thrown) {
    const error = asSchemagateError(thrown, engine.signal)
    const isDenied = error instanceof DeniedError && stillToCome.has(codeOf(error.cause) ?? '')
    if (!(error instanceof NoAnswerError) && !isDenied) throw thrown
    return { state: 'unreachable', head: null, error }
  }
}

/**
 * Becomes the command. `process.execve` (Node 24 on) replaces this process, so that the command is PID 1 if this was, and
 * signals and exit code are its own.
 * @throws UsageError if it cannot be executed.
 */
function become(command: readonly [string, ...string[]], log: Log): never {
  const file = findExecutable(command[0])
  if (file === undefined)
    throw new UsageError(`The command ${JSON.stringify(command[0])} is not found in PATH, or cannot be executed.`)
  log.info({ event: 'exec' }, `starting ${command[0]}`)
  if (!process.execve)
    throw new UsageError('`wait -- COMMAND` needs a system with execve: Linux, macOS or another Unix.')
  return process.execve(file, [...command], definedVariables())
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
