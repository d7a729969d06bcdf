// `up`: applies what is pending, oldest first.

import { apply } from '../apply/apply.ts'
import { checkForms } from '../apply/check-files.ts'
import { addHint } from '../apply/hints.ts'
import { RefusedError, UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { didYouMeanMigration, migrationNamed } from '../files/named.ts'
import { allowLate, type History, latePosition } from '../ledger/history.ts'
import { isToBeMade } from '../ledger/make.ts'
import type { Session } from '../postgres/session.ts'
import { type AppRolePart, appRoleOf } from '../run/app-role.ts'
import { persist } from '../run/attempt.ts'
import { drained } from '../run/drain.ts'
import {
  type Engine,
  readHistoryBefore,
  readHistoryOf,
  reading,
  requireAgreement,
  withFilesAndSession,
  withRun,
} from '../run/engine.ts'
import { isPublished, publish } from '../run/publish.ts'
import { RunRecord } from '../run/record.ts'
import { conclude, type RunResult, type Tally } from '../run/result.ts'
import type { Run } from '../run/run.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import { formatDuration } from '../text/durations.ts'
import { finishRevert, restoreUnbegunReverts } from './down.ts'

export interface UpOptions {
  /** Apply up to and with this migration. */
  readonly to?: string | undefined
  /** Let a database pass that is ahead of the files, if none of its newer migrations is breaking. */
  readonly allowAhead?: boolean | undefined
  /** Migrations that may run although newer ones are applied: hotfixes of an older release. */
  readonly allowLate?: readonly string[] | undefined
  /** The role that the app logs in with, made or updated after a successful run. */
  readonly appRole?: AppRoleOptions | undefined
  /** Take the files of these names for the whole folder. */
  readonly only?: ReadonlySet<string> | undefined
}

/** Applies pending migrations. Foreseen failures are part of the result; only a bug throws. */
export async function up(engine: Engine, options: UpOptions = {}): Promise<RunResult> {
  return conclude(engine.signal, (runId, tally) =>
    withFilesAndSession(engine, async (folder, session) => {
      const files = folder.filter(({ name }) => options.only?.has(name) ?? true)
      const record = new RunRecord(engine, 'up', runId, tally)
      const late = namesOf(files, options.allowLate ?? [])
      const first = allowLate(await readHistoryBefore(engine, files, session, record), late)
      tally.head = first.head
      await record.during(session, () => applyPending({ engine, files, session, record, tally, first, late, options }))
    }),
  )
}

interface Work {
  readonly engine: Engine
  readonly files: readonly Migration[]
  readonly session: Session
  readonly record: RunRecord
  readonly tally: Tally
  /** As it was before the lock. */
  readonly first: History
  readonly late: ReturnType<typeof namesOf>
  readonly options: UpOptions
}

async function applyPending({ engine, files, session, record, tally, first, late, options }: Work): Promise<void> {
  const select = (history: History) => upTo(files, history, options.to)
  requireAgreement(first, options.allowAhead)
  const pending = select(first)
  const role = options.appRole && (await appRoleOf(engine, options.appRole))
  if (pending.length === 0) {
    const { ledger } = first
    if (ledger.rows && isToBeMade(session, ledger)) await withRun(engine, session, record, async () => {})
    if (await reading(engine, session, () => nothingElseToDo(engine, session, first, role))) return
  }
  tally.expect(pending)
  await checkForms(
    pending.filter(({ name }) => !first.recordOnly.has(name)),
    engine.signal,
  )
  await withRun(engine, session, record, async run => {
    // under the lock the history is read again: another migrator may have come before
    let history = await readHistoryOf(run, files)
    if (await restoreUnbegunReverts(run, history)) history = await readHistoryOf(run, files)
    history = allowLate(history, late)
    requireAgreement(history, options.allowAhead)
    for (const migration of history.pending) {
      const position = late.has(migration.name) ? latePosition(files, history.rows, migration) : undefined
      if (position !== undefined) run.messages.markLate(migration.name, position)
    }
    const toApply = select(history)
    for (const migration of pending)
      if (!toApply.includes(migration) && !tally.has(migration, 'applied')) tally.set(migration, 'skipped', 0)
    tally.expect(toApply)
    const migrated = history.rows.length > 0
    await role?.prepare(run, migrated)
    await applyAll(run, files, toApply, history, tally)
    const after = await readHistoryOf(run, files)
    tally.head = after.head
    await publish(run, files, after, role && (() => role.ensure(run, migrated)))
  })
}

/** With nothing pending: what comes after the migrations may have been kept from being done, or is new. */
async function nothingElseToDo(engine: Engine, session: Session, history: History, role: AppRolePart | undefined) {
  if (!(await isPublished(session, engine.settings.schema, history))) return false
  return (await role?.works(session)) !== false
}

/** Migrations that a `down` left half-reverted: the revert is finished before they are applied anew. */
function interruptedReverts(history: History): ReadonlySet<string> {
  const begun = history.rows.filter(row => row.journal?.reverting && (row.journal.done?.length || row.journal.started))
  return new Set(begun.map(row => row.name))
}

/** The pending migrations up to `to`. @throws UsageError if there is no such migration. */
function upTo(
  files: readonly Migration[],
  { pending, recordOnly }: History,
  to: string | undefined,
): readonly Migration[] {
  if (to === undefined) return pending
  const last = migrationNamed(files, to)
  if (!last) throw new UsageError(`--to ${to}: there is no such migration.${didYouMeanMigration(files, to)}`)
  const wanted = new Set(files.slice(0, files.indexOf(last) + 1))
  const selected = pending.filter(migration => wanted.has(migration))
  const [first] = pending
  if (first?.standsIn && !wanted.has(first) && selected.some(({ name }) => recordOnly.has(name)))
    throw new UsageError(
      `--to ${to}: on an empty ledger ${first.name} stands in for it and for all that is older. Name that, or a newer one.`,
    )
  return selected
}

/** @throws UsageError with every name of `--allow-late` that no migration has. */
function namesOf(files: readonly Migration[], allowed: readonly string[]): ReadonlySet<string> {
  const unknown = allowed.filter(name => !migrationNamed(files, name))
  if (unknown.length > 0)
    throw new UsageError(
      unknown
        .map(name => `--allow-late ${name}: there is no such migration.${didYouMeanMigration(files, name)}`)
        .join('\n'),
    )
  return new Set(allowed.flatMap(name => migrationNamed(files, name)?.name ?? []))
}

/** A refusal in the middle of a run says what was done before it. */
function namingApplied(error: unknown, tally: Tally): unknown {
  const applied = tally.results.filter(({ status }) => status === 'applied').map(({ name }) => name)
  if (!(error instanceof RefusedError) || applied.length === 0) return error
  return new RefusedError(`${error.message}\nApplied before it in this run, and committed: ${applied.join(', ')}.`, {
    cause: error,
  })
}

/** Lets Umzug run the migrations; each is applied and recorded in its own transaction, so its storage only reads. */
async function applyAll(
  run: Run,
  files: readonly Migration[],
  toApply: readonly Migration[],
  history: History,
  tally: Tally,
): Promise<void> {
  const { createUmzug } = await import('../run/umzug.ts')
  const wanted = new Set(toApply)
  const reverting = interruptedReverts(history)
  const last = toApply.at(-1)
  const umzug = createUmzug(
    [...files.filter(migration => !wanted.has(migration)), ...toApply].map(migration => ({
      name: migration.name,
      path: migration.file,
      up: async () => {
        run.signal.throwIfAborted()
        const begun = performance.now()
        if (history.recordOnly.has(migration.name)) return record(run, files, history, migration, tally)
        try {
          // the last commit waits for the disk, and so does one before anything that is not plain SQL
          const next = toApply[toApply.indexOf(migration) + 1]
          if (reverting.has(migration.name)) await finishRevert(run, migration)
          const asynchronous = migration !== last && next?.kind === 'sql'
          const status = await drained(run, files, migration, 'up', () => apply(run, migration, asynchronous))
          const durationMs = Math.round((performance.now() - begun) * 10) / 10
          tally.set(migration, status, durationMs)
          run.known.applied(migration.name, migration.checksum)
          const { name, kind } = migration
          if (status === 'skipped')
            run.log.info({ event: 'skipped', migration: name, kind }, `${name} was applied by another migrator`)
          else
            run.log.info(
              { event: 'applied', migration: name, kind, durationMs },
              `applied ${name} in ${formatDuration(durationMs)}`,
            )
        } catch (error) {
          if (!run.signal.aborted) tally.set(migration, 'failed', Math.round(performance.now() - begun))
          await addHint(run, error, history.rows.length === 0 && migration === toApply[0])
          throw namingApplied(error, tally)
        }
      },
    })),
    files.filter(migration => !wanted.has(migration)).map(migration => migration.name),
  )
  await umzug.up()
}

/** Records a migration for which another one stands in, or which stands in for others that were run. */
async function record(
  run: Run,
  files: readonly Migration[],
  history: History,
  migration: Migration,
  tally: Tally,
): Promise<void> {
  const { name, kind, checksum, marks, standsIn } = migration
  // what is older than the newest that was run does not become the head
  const late = standsIn ? latePosition(files, history.rows, migration) : 0
  if (late !== undefined) run.messages.markLate(name, late)
  const row = run.messages.recordBaseline({ name, checksum, breaking: marks.breaking })
  await persist(run, name, () => run.session.script(`begin;${run.messages.lockGuard()}${row}commit`).done)
  run.known.applied(name, checksum)
  tally.set(migration, 'skipped', 0)
  const why = standsIn ? 'it stands in for migrations that the database has' : 'a newer one stands in for it'
  run.log.info({ event: 'recorded', migration: name, kind }, `recorded ${name} without running it: ${why}`)
}
