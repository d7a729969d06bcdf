// The longer way of `up`, where something may be to do: reads the history, and applies what is pending in it, under the run lock.

import { checkFiles } from '../apply/check-files.ts'
import { UsageError } from '../errors.ts'
import { didYouMeanMigration, migrationNamed } from '../files/find-by-name.ts'
import type { MigrationsFolder } from '../files/folder.ts'
import type { Migration } from '../files/migration.ts'
import { allowLate, type History, latePosition, type Problem } from '../ledger/history.ts'
import { isToBeMade } from '../ledger/make.ts'
import type { Session } from '../postgres/session.ts'
import { type AppRolePart, appRoleOf } from '../run/app-role.ts'
import type { Engine } from '../run/engine.ts'
import { readHistoryBefore, readHistoryOf, reading, requireAgreement } from '../run/history.ts'
import { keepAdoptedHistory, withOtherTools } from '../run/other-tools.ts'
import { isPublished, publish } from '../run/publish.ts'
import { RunRecord } from '../run/record.ts'
import type { Results } from '../run/result.ts'
import { withRun } from '../run/with-run.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import { takeBackUnbegunReverts } from './down.ts'

/** What `up` takes. */
export interface UpOptions {
  /** Apply up to and with this migration; without it all that is pending. */
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

/** What one `up` works on. */
export interface UpWork {
  readonly engine: Engine
  readonly folder: MigrationsFolder
  readonly session: Session
  readonly results: Results
  readonly options: UpOptions
}

/** Reads the history, and applies what is pending in it. */
export async function applyPending(work: UpWork): Promise<void> {
  const { engine, folder, session, results, options } = work
  const files = folder.migrations()
  const record = new RunRecord(engine, 'up', results)
  const late = namesOf(files, options.allowLate ?? [])
  const read = await readHistoryBefore(engine, files, session, record)
  // what is in no file here is not in the way
  const names = new Set(files.map(({ name }) => name))
  const isInTheWay = ({ migration }: Problem) => migration !== null && names.has(migration)
  const whole = await withOtherTools(engine, files, session, read, isInTheWay)
  const first = allowLate(whole, late)
  results.head = first.head
  await record.during(session, () => applyWith({ ...work, files, record, first, late }))
}

interface Work extends UpWork {
  readonly files: readonly Migration[]
  readonly record: RunRecord
  /** As it was before the lock. */
  readonly first: History
  readonly late: ReturnType<typeof namesOf>
}

async function applyWith(work: Work): Promise<void> {
  const { engine, folder, files, session, record, results, first, late, options } = work
  const select = (history: History) => upTo(files, history, options.to)
  requireAgreement(first, options.allowAhead)
  const pending = select(first)
  const role = options.appRole && (await appRoleOf(engine, options.appRole))
  if (pending.length === 0) {
    const { ledger } = first
    if (ledger.rows && isToBeMade(session, ledger)) await withRun(engine, session, record, async () => {})
    if (await reading(engine, session, () => nothingElseToDo(engine, session, first, role))) return
  }
  results.expect(pending)
  await checkFiles(
    pending.filter(({ name }) => !first.recordOnly.has(name)),
    engine,
  )
  await withRun(engine, session, record, async run => {
    // under the lock the history is read again: another migrator may have come before
    let history = await readHistoryOf(run, files)
    if (await takeBackUnbegunReverts(run, history)) history = await readHistoryOf(run, files)
    history = allowLate(history, late)
    requireAgreement(history, options.allowAhead)
    for (const migration of history.pending) {
      const position = late.has(migration.name) ? latePosition(files, history.rows, migration) : undefined
      if (position !== undefined) run.ledger.change.markLate(migration.name, position)
    }
    const toApply = select(history)
    for (const migration of pending)
      if (!toApply.includes(migration) && !results.has(migration, 'applied')) results.set(migration, 'skipped', 0)
    results.expect(toApply)
    const migrated = history.rows.length > 0
    await role?.prepare(run, migrated)
    if (toApply.length > 0) {
      await keepAdoptedHistory(run, files, history)
      const { migrateUp } = await import('../run/umzug.ts')
      await migrateUp({ run, files, history, chosen: toApply }, results)
    }
    const after = await readHistoryOf(run, files)
    results.head = after.head
    await publish(run, folder, after, role && (() => role.ensure(run, migrated)))
  })
}

/** With nothing pending: what comes after the migrations may have been kept from being done, or is new. */
async function nothingElseToDo(engine: Engine, session: Session, history: History, role: AppRolePart | undefined) {
  if (!(await isPublished(session, engine.settings.schema, history))) return false
  return (await role?.works(session)) !== false
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
