// The engine as a library: what the command line does, as functions that print nothing and never exit.

import { didYouMean } from '../gate/did-you-mean.ts'
import { readTarget } from '../gate/postgres/target.ts'
import type { LedgerManifest } from '../gate/protocol/manifest.ts'
import { UsageError } from './errors.ts'
import { createMigrationFiles } from './files/create.ts'
import { readFolder } from './files/folder.ts'
import { manifestOf } from './files/manifest.ts'
import { type Log, silent } from './log.ts'
import { type Engine, folderOptions } from './run/engine.ts'
import type { RunResult } from './run/result.ts'
import { type Found, type InputOf, readOptions } from './settings/option.ts'
import { options as table } from './settings/options.ts'
import { settingsOf } from './settings/settings.ts'
import { redactor } from './text/redact.ts'
import type { AdoptOptions, AdoptResult } from './verbs/adopt.ts'
import { type Baseline, type BaselineOptions, baseline } from './verbs/baseline.ts'
import { check, type Match } from './verbs/check.ts'
import { type DownOptions, down } from './verbs/down.ts'
import type { FollowOptions, FollowResult } from './verbs/follow.ts'
import { type PlanResult, plan } from './verbs/plan.ts'
import { type Repair, type RepairOptions, repair } from './verbs/repair.ts'
import { type Status, status } from './verbs/status.ts'
import { type UpOptions, up } from './verbs/up.ts'
import type { Verification, VerifyOptions } from './verbs/verify.ts'
import { type Waited, type WaitOptions, wait } from './verbs/wait.ts'

export type {
  FollowedManifest,
  FollowedMigration,
  LedgerManifest,
  Manifest,
  ManifestEntry,
} from '../gate/protocol/manifest.ts'
export type { Batch, BatchOptions, MigrationContext, MigrationModule } from './apply/code-context.ts'
export * from './errors.ts'
export type { DatabaseState, Problem, ProblemCode } from './ledger/history.ts'
export type { Log } from './log.ts'
export type { MigrationResult, MigrationStatus, Outcome, RunResult } from './run/result.ts'
export type { AppRoleOptions } from './settings/settings.ts'
export type { AdoptOptions, AdoptResult } from './verbs/adopt.ts'
export type { Baseline, BaselineOptions } from './verbs/baseline.ts'
export type { Match } from './verbs/check.ts'
export type { DownOptions } from './verbs/down.ts'
export type { FollowOptions, FollowResult } from './verbs/follow.ts'
export type { PlannedMigration, PlanResult } from './verbs/plan.ts'
export type { Repair, RepairOptions } from './verbs/repair.ts'
export type { PendingMigration, Status } from './verbs/status.ts'
export type { UpOptions } from './verbs/up.ts'
export type { Verification, VerifyOptions } from './verbs/verify.ts'
export type { Waited, WaitOptions } from './verbs/wait.ts'

type Table = typeof table

/** The options of the command line that a library has a use for: all but how to log. */
type SharedOptions = {
  readonly [K in keyof Table as Table[K]['of'] extends 'log' ? never : K]?: InputOf<Table[K]> | undefined
}

/**
 * The command line's options (docs/settings.md) in camel case, with its defaults; no environment variable is read. Times are
 * in milliseconds, or text (`30s`).
 */
export interface MigratorOptions extends SharedOptions {
  /** The owner's connection: `postgres://user:password@host:5432/database`. */
  readonly databaseUrl: string | undefined
  /** The folder of migrations. */
  readonly dir: string
  /** A pino logger, or anything of its shape. Silent by default. */
  readonly log?: Log | undefined
}

/** What every call takes. */
export interface CallOptions {
  /** Stops the work: the statement that runs is cancelled, its transaction rolled back. */
  readonly signal?: AbortSignal | undefined
}

/** The commands, as functions; those without a `RunResult` reject with one of the error classes. */
export interface Migrator {
  /** Applies pending migrations. A foreseen failure is the result's `error`; only a bug rejects. */
  up(options?: UpOptions & CallOptions): Promise<RunResult>
  /** Reverts applied migrations; needs `confirmed: true`. A foreseen failure is the result's `error`. */
  down(options?: DownOptions & CallOptions): Promise<RunResult>
  /** What is applied, pending and wrong. */
  status(options?: CallOptions): Promise<Status>
  /** Whether the database matches the files, or the manifest in a file. */
  check(options?: CallOptions & { readonly manifestFile?: string | undefined }): Promise<Match>
  /** Asks the same until the answer is yes or the time is up. */
  wait(options: WaitOptions & CallOptions): Promise<Waited>
  /** The SQL that `up` would run. */
  plan(options?: CallOptions): Promise<PlanResult>
  /** What of the live schema is not as the migrations make it. */
  verify(options?: VerifyOptions & CallOptions): Promise<Verification>
  /** Takes another tool's history over into the ledger, checked row by row against the files. */
  adopt(options?: AdoptOptions & CallOptions): Promise<AdoptResult>
  /** Records everything up to and with a migration as applied, without running it. */
  baseline(name: string, options?: BaselineOptions & CallOptions): Promise<Baseline>
  /** Accepts an edited file, forgets a missing one, or follows a renamed one; changes the ledger alone. */
  repair(options: RepairOptions & CallOptions): Promise<Repair[]>
  /** Compares the history of the tool that migrates the database, and installs what apps ask with. */
  follow(options?: FollowOptions & CallOptions): Promise<FollowResult>
  /** The manifest of the folder: what an app's gate is built with. */
  manifest(): LedgerManifest
  /** Writes a new migration's files, numbered after the newest; returns their paths. */
  create(title: string, options?: { readonly code?: boolean }): string[]
}

/**
 * Makes a migrator. Nothing is connected before the first call; every call has a connection of its own.
 * @throws UsageError with every problem of the settings in one message.
 */
export function createMigrator(input: MigratorOptions): Migrator {
  const problems: string[] = []
  const shared = Object.entries(table).flatMap(([key, option]) => (option.of === 'log' ? [] : [key]))
  for (const key of Object.keys(input))
    if (key !== 'log' && !shared.includes(key)) problems.push(`Unknown option ${key}.${didYouMean(key, shared)}`)
  const given = new Map(Object.entries({ ...input, databaseUrl: input.databaseUrl || undefined }))
  const find = (key: string): Found | undefined => {
    const value: unknown = shared.includes(key) ? given.get(key) : undefined
    return value === undefined ? undefined : { source: key, texts: [value].flat().map(String) }
  }
  const values = readOptions(table, find, problems)
  // without one, libpq's defaults would be taken: some database of this machine
  if (!values.databaseUrl) problems.push('databaseUrl is missing. Is DATABASE_URL set?')
  const target = values.databaseUrl ? readTarget(values.databaseUrl, {}, undefined, problems) : undefined
  if (!target || problems.length > 0) throw new UsageError(problems.join('\n'))
  const settings = settingsOf(values, target)
  const { dir, layout, ignore, appRole } = settings
  const log = input.log ?? silent
  for (const note of target.notes ?? []) log.info({ event: 'setting' }, note)
  const engine = (call: CallOptions & Pick<UpOptions, 'appRole'> = {}): Engine => ({
    settings,
    log,
    signal: call.signal ?? new AbortController().signal,
    redact: redactor([target.password, appRole?.password, call.appRole?.password]),
  })
  return {
    up: call => up(engine(call), { appRole, ...call }),
    down: call => down(engine(call), call),
    status: call => status(engine(call)),
    check: call => check(engine(call), call?.manifestFile),
    wait: call => wait(engine(call), call),
    plan: call => plan(engine(call)),
    verify: async call => (await import('./verbs/verify.ts')).verify(engine(call), call),
    adopt: async call => (await import('./verbs/adopt.ts')).adopt(engine(call), { appRole, ...call }),
    baseline: (name, call) => baseline(engine(call), name, { appRole, ...call }),
    repair: call => repair(engine(call), call),
    follow: async call => (await import('./verbs/follow.ts')).follow(engine(call), { appRole, ...call }),
    manifest: () => manifestOf(readFolder(dir, folderOptions(settings, log))),
    create: (title, { code = false } = {}) => createMigrationFiles({ dir, layout, ignore, title, code }),
  }
}
