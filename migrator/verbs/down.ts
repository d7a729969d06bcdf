// `down`: reverts what is applied, newest first, one transaction each.

import { checkDownParts } from '../apply/check-files.ts'
import { isReversible } from '../apply/code-module.ts'
import { RefusedError, UsageError } from '../errors.ts'
import { didYouMeanMigration, migrationNamed } from '../files/find-by-name.ts'
import type { MigrationsFolder } from '../files/folder.ts'
import type { Migration } from '../files/migration.ts'
import type { History } from '../ledger/history.ts'
import type { LedgerRow } from '../ledger/read.ts'
import { recordedOnly } from '../ledger/stand-ins.ts'
import type { Session } from '../postgres/session.ts'
import { attempt } from '../run/attempt.ts'
import { type Engine, withFilesAndSession } from '../run/engine.ts'
import { readHistoryBefore, readHistoryOf, reading, requireAgreement } from '../run/history.ts'
import { keepAdoptedHistory } from '../run/other-tools.ts'
import { isPublished, publish } from '../run/publish.ts'
import { RunRecord } from '../run/record.ts'
import { conclude, type Results, type RunResult } from '../run/result.ts'
import type { Run } from '../run/run.ts'
import { withRun } from '../run/with-run.ts'

/** What `down` takes. */
export interface DownOptions {
  /** Revert everything after this migration; it stays applied. */
  readonly to?: string | undefined
  /** How many migrations; 1 if neither is given. */
  readonly step?: number | undefined
  /** The operator has confirmed it. Without that the run is refused, and says what it would do. */
  readonly confirmed?: boolean | undefined
}

/** Reverts applied migrations. Foreseen failures are part of the result; only a bug throws. */
export async function down(engine: Engine, options: DownOptions = {}): Promise<RunResult> {
  return conclude(engine, results =>
    withFilesAndSession(engine, async (files, session, folder) => {
      const record = new RunRecord(engine, 'down', results)
      const history = await readHistoryBefore(engine, files, session, record)
      results.head = history.head
      await record.during(session, () =>
        revertTargets({ engine, folder, files, session, record, results, history, options }),
      )
    }),
  )
}

interface Work {
  readonly engine: Engine
  readonly folder: MigrationsFolder
  readonly files: readonly Migration[]
  readonly session: Session
  readonly record: RunRecord
  readonly results: Results
  /** As it was before the lock. */
  readonly history: History
  readonly options: DownOptions
}

async function revertTargets(work: Work): Promise<void> {
  const { engine, folder, files, session, record, results, history, options } = work
  requireAgreement(history)
  const targets = select(files, history.rows, options)
  const published = () => isPublished(session, engine.settings.schema, history)
  if (targets.length === 0 && (await reading(engine, session, published))) return
  results.expect(targets)
  // all of it is checked before any of it is reverted
  await requireDownParts(targets, engine)
  await checkDownParts(targets)
  if (!options.confirmed)
    throw new RefusedError(
      `\`down\` would revert ${targets.map(t => t.name).join(', ')}, and what ${targets.length === 1 ? 'it' : 'they'} made is lost. Nothing was done; add --yes to do it.`,
    )
  await withRun(engine, session, record, async run => {
    const now = await readHistoryOf(run, files)
    requireAgreement(now)
    const applied = new Set(now.rows.map(row => row.name))
    const chosen = targets.filter(target => applied.has(target.name))
    requireNewest(files, now.rows, chosen)
    for (const migration of targets)
      if (!chosen.includes(migration) && !results.has(migration, 'reverted')) results.set(migration, 'skipped', 0)
    if (chosen.length > 0) {
      await keepAdoptedHistory(run, files, now)
      const { migrateDown } = await import('../run/umzug.ts')
      await migrateDown({ run, files, history: now, chosen }, results)
    }
    const after = await readHistoryOf(run, files)
    results.head = after.head
    await publish(run, folder, after)
  })
}

/**
 * What is to be reverted, newest first. Repeatable migrations, and ones that were only recorded because another one stands
 * in for them, have no way back and are left alone.
 */
function select(files: readonly Migration[], rows: readonly LedgerRow[], { to, step }: DownOptions): Migration[] {
  const byName = new Map(files.map(file => [file.name, file]))
  const recorded = recordedOnly(files, rows)
  const applied = rows
    .toReversed()
    .flatMap(row => byName.get(row.name) ?? [])
    .filter(file => file.kind !== 'repeatable' && !recorded.has(file.name))
  if (to === undefined) return applied.slice(0, step ?? 1)
  const last = migrationNamed(applied, to)
  if (!last) throw new UsageError(`--to ${to}: no such migration is applied.${didYouMeanMigration(applied, to)}`)
  return applied.slice(0, applied.indexOf(last))
}

/**
 * Other migrators may have come while the lock was waited for: what they applied after a target would be left without it.
 * @throws RefusedError if the targets that are left are not the newest any more.
 */
function requireNewest(files: readonly Migration[], rows: readonly LedgerRow[], targets: readonly Migration[]): void {
  const later = select(files, rows, { step: rows.length })
    .slice(0, targets.length)
    .filter(migration => !targets.includes(migration))
  if (later.length > 0)
    throw new RefusedError(
      `Another migrator has applied ${later.map(m => m.name).join(', ')} in between; nothing more was reverted. Run \`schemagate down --yes\` again if it is to be reverted, too.`,
    )
}

async function requireDownParts(targets: readonly Migration[], engine: Engine): Promise<void> {
  const without: string[] = []
  for (const migration of targets) {
    if (!(await isReversible(migration, engine))) without.push(migration.name)
  }
  if (without.length > 0)
    throw new RefusedError(
      `${without.join(', ')} cannot be undone: there is no down part. Nothing was done. Write one, or a new migration that corrects it.`,
    )
}

/** A `down` that was stopped before anything was reverted: what it announced is taken back. True if there was one. */
export async function takeBackUnbegunReverts(run: Run, history: History): Promise<boolean> {
  const unbegun = history.rows.filter(({ journal: j }) => j?.reverting && !j.done?.length && !j.started)
  if (unbegun.length === 0) return false
  const changes = unbegun.map(({ name }) => run.ledger.change.notReverted(name))
  await attempt(run, 'the ledger', () => run.ledger.write(changes))
  return true
}
