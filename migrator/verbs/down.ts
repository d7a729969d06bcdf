// `down`: reverts what is applied, newest first, one transaction each.

import { codeOf, ownState } from '../../gate/postgres/sqlstate.ts'
import { watched } from '../apply/apply.ts'
import { checkDownForms } from '../apply/check-files.ts'
import { isReversible, loadModule } from '../apply/code-module.ts'
import type { Aftermath } from '../apply/failure.ts'
import { type Limits, leaveNothing, resetSession, setLimits } from '../apply/messages.ts'
import { call } from '../apply/run-code.ts'
import { newWay, runSql, type Way } from '../apply/run-sql.ts'
import { RefusedError, UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { didYouMeanMigration, migrationNamed } from '../files/named.ts'
import { type History, headOf } from '../ledger/history.ts'
import type { LedgerRow } from '../ledger/read.ts'
import { recordedOnly } from '../ledger/stand-ins.ts'
import type { Session } from '../postgres/session.ts'
import { atomically, persist } from '../run/attempt.ts'
import type { Blocker } from '../run/blockers.ts'
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
import { refuseBehindPooler } from '../run/pooler.ts'
import { isPublished, publish } from '../run/publish.ts'
import { RunRecord } from '../run/record.ts'
import { conclude, type RunResult, type Tally } from '../run/result.ts'
import { limitsOf, type Run } from '../run/run.ts'
import { formatDuration } from '../text/durations.ts'

export interface DownOptions {
  /** Revert everything after this migration; it stays applied. */
  readonly to?: string | undefined
  /** How many migrations; 1 if neither is given. */
  readonly step?: number | undefined
  /** The operator has said yes. Without it the run is refused, and says what it would do. */
  readonly confirmed?: boolean | undefined
}

/** Reverts applied migrations. Foreseen failures are part of the result; only a bug throws. */
export async function down(engine: Engine, options: DownOptions = {}): Promise<RunResult> {
  return conclude(engine.signal, (runId, tally) =>
    withFilesAndSession(engine, async (files, session) => {
      const record = new RunRecord(engine, 'down', runId, tally)
      const history = await readHistoryBefore(engine, files, session, record)
      tally.head = history.head
      await record.during(session, () => revertTargets({ engine, files, session, record, tally, history, options }))
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
  readonly history: History
  readonly options: DownOptions
}

async function revertTargets({ engine, files, session, record, tally, history, options }: Work): Promise<void> {
  requireAgreement(history)
  const targets = select(files, history.rows, options)
  const published = () => isPublished(session, engine.settings.schema, history)
  if (targets.length === 0 && (await reading(engine, session, published))) return
  tally.expect(targets)
  // all of it is checked before any of it is reverted
  await requireDownParts(targets, engine.signal)
  await checkDownForms(targets)
  if (!options.confirmed)
    throw new RefusedError(
      `\`down\` would revert ${targets.map(t => t.name).join(', ')}, and what ${targets.length === 1 ? 'it' : 'they'} made is lost. Nothing was done; add --yes to do it.`,
    )
  await withRun(engine, session, record, async run => {
    const now = await readHistoryOf(run, files)
    requireAgreement(now)
    const applied = new Set(now.rows.map(row => row.name))
    requireNewest(
      files,
      now.rows,
      targets.filter(target => applied.has(target.name)),
    )
    let left = now.rows
    for (const migration of targets) {
      if (applied.has(migration.name)) {
        await revertOne(run, files, migration, tally)
        left = left.filter(row => row.name !== migration.name)
        tally.head = headOf(left)
      } else if (!tally.has(migration, 'reverted')) tally.set(migration, 'skipped', 0)
    }
    const after = await readHistoryOf(run, files)
    tally.head = after.head
    await publish(run, files, after)
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
      `Another migrator has applied ${later.map(m => m.name).join(', ')} meanwhile; nothing more was reverted. Run \`schemagate down --yes\` again if it is to be reverted, too.`,
    )
}

async function requireDownParts(targets: readonly Migration[], signal: AbortSignal): Promise<void> {
  const without: string[] = []
  for (const migration of targets) {
    if (!(await isReversible(migration, signal))) without.push(migration.name)
  }
  if (without.length > 0)
    throw new RefusedError(
      `${without.join(', ')} cannot be undone: there is no down part. Nothing was done. Write one, or a new migration that corrects it.`,
    )
}

async function revertOne(run: Run, files: readonly Migration[], migration: Migration, tally: Tally): Promise<void> {
  const begun = performance.now()
  const { name, kind } = migration
  run.signal.throwIfAborted()
  try {
    const status = await drained(run, files, migration, 'down', () => finishRevert(run, migration))
    run.known.removed(name)
    const durationMs = Math.round(performance.now() - begun)
    tally.set(migration, status, durationMs)
    run.log.info(
      { event: status, migration: name, kind, durationMs },
      `${status} ${name} in ${formatDuration(durationMs)}`,
    )
  } catch (error) {
    if (!run.signal.aborted) tally.set(migration, 'failed', Math.round(performance.now() - begun))
    throw error
  }
}

/** Reverts a migration, through clashes and lost connections. */
export async function finishRevert(run: Run, migration: Migration): Promise<'reverted' | 'skipped'> {
  const { name } = migration
  let attempts = 0
  const way = newWay()
  return watched(run, name, run.settings.lockTimeout, blockers =>
    persist(
      run,
      name,
      async () => {
        attempts++
        const status = await revert(run, migration, blockers, way)
        run.known.forget(name)
        // gone after a lost connection: this run's own doing, whose answer never came
        return attempts > 1 ? 'reverted' : status
      },
      blockers,
    ),
  )
}

/** A `down` that was stopped before anything was reverted: what it announced is taken back. True if there was one. */
export async function restoreUnbegunReverts(run: Run, history: History): Promise<boolean> {
  const unbegun = history.rows.filter(({ journal: j }) => j?.reverting && !j.done?.length && !j.started)
  if (unbegun.length === 0) return false
  for (const { name } of unbegun) run.known.forget(name)
  const statements = unbegun.map(({ name }) => run.messages.keepApplied(name)).join('')
  await persist(run, 'the ledger', () => atomically(run, statements))
  return true
}

/** Reverts one migration and removes its row. `skipped` if somebody else had. */
async function revert(
  run: Run,
  migration: Migration,
  blockers: () => readonly Blocker[],
  way: Way,
): Promise<'reverted' | 'skipped'> {
  const { name } = migration
  const { session, messages } = run
  const limits = limitsOf(run, migration.down?.marks ?? migration.marks, false)
  const begin = `begin;${setLimits(limits, true)}${messages.revertGuard(name)}`
  const loose = migration.kind === 'code' && !migration.marks.transaction
  const aftermath: Aftermath = {
    text: loose
      ? `What reverting ${name} had committed stays; the next run calls \`down\` again from its start.`
      : `Reverting ${name} failed and was rolled back; it is still applied.`,
    again: 'schemagate down --yes',
  }
  try {
    if (migration.kind === 'code') {
      const module = await loadModule(migration, run.signal)
      if (migration.marks.transaction) await session.script(begin).done
      else await beginLooseCode(run, migration, limits)
      await call(run, migration, context => module.down?.(context), aftermath)
      await session.script(
        `${migration.marks.transaction ? '' : 'begin;'}${resetSession(session)}${messages.remove(name)}${leaveNothing}commit`,
      ).done
      return 'reverted'
    }
    await runSql(run, migration, migration.down!, 'down', limits, blockers, way)
    return 'reverted'
  } catch (error) {
    // its row is gone: reverted by this run, whose answer was lost, or by another one
    if (codeOf(error) === ownState.alreadyApplied) {
      await session.rollback()
      return 'skipped'
    }
    throw error
  }
}

/** Once it is called nobody can tell how much of it is done: its row says so until it has come to its end. */
async function beginLooseCode(run: Run, { name, checksum }: Migration, limits: Limits): Promise<void> {
  const { session, messages } = run
  refuseBehindPooler(run, name)
  run.known.forget(name)
  await session.script(`begin;${messages.revertGuard(name)}${messages.recordRevertingCode(name, checksum)}commit`).done
  run.known.reverting(name)
  await session.script(setLimits(limits, false)).done
}
