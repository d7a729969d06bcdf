// The engine as a library: the same runs as the command line's, without its printing.

import { readTarget } from '../gate/postgres/target.ts'
import { commonOptions, parseOption } from './cli/options.ts'
import { UsageError } from './errors.ts'
import { type Log, silent } from './log.ts'
import type { Engine } from './run/engine.ts'
import type { RunResult } from './run/result.ts'
import { redactor } from './text/redact.ts'
import { type Match, matches } from './verbs/check.ts'
import { type DownOptions, down } from './verbs/down.ts'
import { type Status, status } from './verbs/status.ts'
import { type UpOptions, up } from './verbs/up.ts'

export type { Manifest, ManifestEntry } from '../gate/protocol/manifest.ts'
export type { MigrationContext, MigrationModule } from './apply/code-context.ts'
export * from './errors.ts'
export type { DatabaseState, Problem, ProblemCode } from './ledger/history.ts'
export type { Log } from './log.ts'
export type { Outcome, RunResult } from './run/result.ts'
export type { MigrationResult, MigrationStatus } from './run/run.ts'
export type { Match } from './verbs/check.ts'
export type { DownOptions } from './verbs/down.ts'
export type { PendingMigration, Status } from './verbs/status.ts'
export type { UpOptions } from './verbs/up.ts'

/** Settings of a migrator; times are in milliseconds, or as text (`30s`). Defaults are the command line's. */
export interface MigratorOptions {
  /** The owner's connection: `postgres://user:password@host:5432/database`. */
  readonly databaseUrl: string | undefined
  /** The folder of migrations. */
  readonly dir: string
  /** The tool whose rules the folder follows, as `--layout` names it; found out if not given. */
  readonly layout?: string | undefined
  /** Globs of files in the folder to leave out. */
  readonly ignore?: readonly string[] | undefined
  readonly schema?: string | undefined
  readonly connectTimeout?: number | string | undefined
  readonly lockWait?: number | string | undefined
  readonly lockTimeout?: number | string | undefined
  readonly lockRetries?: number | undefined
  readonly statementTimeout?: number | string | undefined
  /** What to do about running apps that do not know a breaking migration. */
  readonly onOlderApps?: 'refuse' | 'drain' | 'ignore' | undefined
  readonly drainTimeout?: number | string | undefined
  /** A pino logger, or anything of its shape. Silent by default. */
  readonly log?: Log | undefined
}

/** What every call takes. */
export interface CallOptions {
  /** Stops the work: what is under way is cancelled and rolled back. */
  readonly signal?: AbortSignal | undefined
}

export interface Migrator {
  /** Applies pending migrations. A foreseen failure is the result's `error`; only a bug rejects. */
  up(options?: UpOptions & CallOptions): Promise<RunResult>
  /** Reverts applied migrations; needs `confirmed: true`. A foreseen failure is the result's `error`. */
  down(options?: DownOptions & CallOptions): Promise<RunResult>
  /** What is applied, pending and wrong. Rejects with one of the error classes if it cannot be told. */
  status(options?: CallOptions): Promise<Status>
  /** Whether the database matches the files, or the manifest in a file. */
  check(options?: CallOptions & { readonly manifestFile?: string | undefined }): Promise<Match>
}

/**
 * Makes a migrator. Nothing is connected before the first call; every call has a connection of its own.
 * @throws UsageError with every problem of the settings in one message.
 */
export function createMigrator(options: MigratorOptions): Migrator {
  const problems: string[] = []
  const number = (
    key: 'connectTimeout' | 'lockWait' | 'lockTimeout' | 'lockRetries' | 'statementTimeout' | 'drainTimeout',
  ): number => {
    const read = parseOption(commonOptions[key], String(options[key] ?? commonOptions[key].default))
    if ('value' in read) return Number(read.value)
    problems.push(`${key} ${read.problem}`)
    return 0
  }
  const schema = options.schema ?? commonOptions.schema.default
  const named = parseOption(commonOptions.schema, schema)
  if ('problem' in named) problems.push(`schema ${named.problem}`)
  const layout = options.layout === undefined ? undefined : parseOption(commonOptions.layout, options.layout)
  if (layout && 'problem' in layout) problems.push(`layout ${layout.problem}`)
  // without one, libpq's defaults would be taken: some database of this machine
  if (!options.databaseUrl) problems.push('databaseUrl is missing. Is DATABASE_URL set?')
  const target = options.databaseUrl ? readTarget(options.databaseUrl, {}, undefined, problems) : undefined
  const settings = {
    dir: options.dir,
    layout: options.layout,
    ignore: options.ignore,
    schema,
    connectTimeout: number('connectTimeout'),
    lockWait: number('lockWait'),
    lockTimeout: number('lockTimeout'),
    lockRetries: number('lockRetries'),
    statementTimeout: number('statementTimeout'),
    onOlderApps: options.onOlderApps ?? commonOptions.onOlderApps.default,
    drainTimeout: number('drainTimeout'),
  }
  if (!target || problems.length > 0) throw new UsageError(problems.join('\n'))
  const log = options.log ?? silent
  for (const note of target.notes ?? []) log.info({ event: 'setting' }, note)
  const engine = (
    { signal = new AbortController().signal }: CallOptions = {},
    ...secrets: (string | undefined)[]
  ): Engine => ({
    settings: { ...settings, target },
    log,
    signal,
    redact: redactor([target.password, ...secrets]),
  })
  return {
    up: call => up(engine(call, call?.appRole?.password), call),
    down: call => down(engine(call), call),
    status: call => status(engine(call)),
    check: call => matches(engine(call), call?.manifestFile),
  }
}
