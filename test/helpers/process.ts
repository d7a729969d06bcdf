// Starts a program as a user would, in an environment that says nothing of this machine's databases, and keeps what it prints.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { root } from '../../scripts/lib/root.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface StartOptions {
  /** The repository's root if not stated. */
  readonly cwd?: string | undefined
  /** The whole environment; {@link cleanEnvironment} if not stated. */
  readonly env?: NodeJS.ProcessEnv
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly input?: string | undefined
  /** Leaves stdin open, for the test to write to and to end (`child.stdin`). */
  readonly keepStdin?: boolean
  /** The process is killed after this many milliseconds, and the result is an error: a program that hangs is a bug. */
  readonly timeout?: number | undefined
  /** What counts as the end: `close`, when all output was read, or `exit`, where a process of its own may outlive it. */
  readonly endsWith?: 'close' | 'exit'
}

export interface LogLine {
  readonly level?: string | number
  readonly msg?: string
  readonly event?: string
  readonly [key: string]: unknown
}

export interface Printed {
  readonly stdout: string
  readonly stderr: string
  /** Both, in the order in which they came. */
  readonly output: string
  /** The JSON lines of both streams, in each stream's order. */
  readonly lines: readonly LogLine[]
  readonly pid: number
  readonly child: ChildProcess
}

export interface Ended extends Printed {
  /** The exit code, null if a signal ended the process. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process under way, with what it has printed so far. */
export interface Running extends Printed {
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

/** Starts a program, and returns at once. */
export function startProcess(command: readonly string[], options: StartOptions = {}): Running {
  const { cwd = root, env = cleanEnvironment(), input = '', timeout, endsWith = 'close', keepStdin = false } = options
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let [stdout, stderr, output] = ['', '', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    output += text
  })
  // A process that ends without reading its input is no failure of the test.
  child.stdin.on('error', () => {})
  if (!keepStdin) child.stdin.end(input)
  const printed = () => ({
    ...{ stdout, stderr, output, pid: child.pid ?? 0, child },
    lines: [...jsonLines(stdout), ...jsonLines(stderr)],
  })
  let isOverdue = false
  const timer =
    timeout &&
    setTimeout(() => {
      isOverdue = true
      child.kill('SIGKILL')
    }, timeout)
  const ended = once(child, endsWith).then((): Ended => {
    if (timer) clearTimeout(timer)
    if (isOverdue) throw new Error(`${command.join(' ')} did not end within ${timeout} ms.\n${output}`)
    return { ...printed(), code: child.exitCode, signal: child.signalCode }
  })
  ended.catch(() => {})
  return {
    ended,
    child,
    pid: child.pid ?? 0,
    kill: signal => child.kill(signal),
    get stdout() {
      return stdout
    },
    get stderr() {
      return stderr
    },
    get output() {
      return output
    },
    get lines() {
      return printed().lines
    },
  }
}

/** An environment without what the caller's shell happens to hold for Postgres or for us. */
export function cleanEnvironment(env: Environment = {}): NodeJS.ProcessEnv {
  const ours = /^(PG|DATABASE_URL|SCHEMAGATE_|JWT_SECRET|LOG_|PORT$|HOST$|NODE_OPTIONS$|VITEST|FORCE_COLOR|NO_COLOR)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  return { ...Object.fromEntries(kept), ...env }
}

/** The lines of `text` that are JSON objects; an unfinished last line is left out. */
function jsonLines(text: string): LogLine[] {
  return text.split('\n').flatMap(line => {
    if (!line.startsWith('{')) return []
    try {
      const value: unknown = JSON.parse(line)
      return isObject(value) ? [value] : []
    } catch {
      return []
    }
  })
}

function isObject(value: unknown): value is LogLine {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
