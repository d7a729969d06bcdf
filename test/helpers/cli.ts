// Runs the real command-line tool as a process: the bundle, or the sources with TEST_CLI=source.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const entry = join(root, process.env.TEST_CLI === 'source' ? 'migrator/cli/main.ts' : 'migrator/dist/schemagate.cjs')

export interface CliOptions {
  /** Added to an otherwise clean environment: nothing of the caller's PG*, DATABASE_URL or SCHEMAGATE_* gets through. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Another release's bundle. */
  readonly bundle?: string
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly input?: string
  /** A command line before its own, such as one that enters a namespace and becomes the process. */
  readonly within?: readonly string[]
  /** The process is killed after this many milliseconds, and the result is an error: a tool that hangs is a bug. */
  readonly timeout?: number
}

export interface LogLine {
  readonly level?: string | number
  readonly msg?: string
  readonly event?: string
  readonly [key: string]: unknown
}

export interface CliResult {
  /** The exit code, null if a signal ended the process. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** The JSON lines of both streams, in each stream's order. */
  readonly lines: readonly LogLine[]
  readonly pid: number
  readonly child: ChildProcess
}

export interface RunningCli {
  readonly pid: number
  readonly child: ChildProcess
  /** What has been printed so far. */
  readonly stdout: string
  readonly stderr: string
  readonly lines: readonly LogLine[]
  kill(signal: NodeJS.Signals): void
  /** Settles when the process has ended and all of its output was read. */
  readonly ended: Promise<CliResult>
}

/** Runs it to its end: `await schemagate(['up'], { env: { DATABASE_URL: database.url } })`. */
export function schemagate(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return start(args, options).ended
}

/** Starts it and returns at once: for tests that watch it or kill it in the middle. */
export function start(args: readonly string[], options: CliOptions = {}): RunningCli {
  const { timeout = 60_000, within = [] } = options
  const [program = '', ...rest] = [...within, process.execPath, options.bundle ?? entry, ...args]
  const child = spawn(program, rest, {
    cwd: options.cwd ?? root,
    env: cleanEnvironment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A process that ends without reading its input is no failure of the test.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const pid = child.pid ?? 0
  let overdue = false
  const timer = setTimeout(() => {
    overdue = true
    child.kill('SIGKILL')
  }, timeout)
  const ended = once(child, 'close').then((): CliResult => {
    clearTimeout(timer)
    if (overdue) {
      throw new Error(`schemagate ${args.join(' ')} did not end within ${timeout} ms.\n${stdout}\n${stderr}`)
    }
    const { exitCode: code, signalCode: signal } = child
    return { code, signal, stdout, stderr, lines: [...jsonLines(stdout), ...jsonLines(stderr)], pid, child }
  })
  ended.catch(() => {})
  return {
    pid,
    child,
    get stdout() {
      return stdout
    },
    get stderr() {
      return stderr
    },
    get lines() {
      return [...jsonLines(stdout), ...jsonLines(stderr)]
    },
    kill: signal => child.kill(signal),
    ended,
  }
}

/** An environment without what the caller's shell happens to hold for Postgres or for us. */
export function cleanEnvironment(env: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const ours = /^(PG|DATABASE_URL|SCHEMAGATE_|JWT_SECRET|LOG_|PORT$|HOST$|NODE_OPTIONS$|VITEST|FORCE_COLOR|NO_COLOR)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  return { ...Object.fromEntries(kept), ...env }
}

/** The lines of `text` that are JSON objects; an unfinished last line is left out. */
export function jsonLines(text: string): LogLine[] {
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
