// `plan`: what `up` would run, and how. Changes nothing.

import { checkFiles } from '../apply/check-files.ts'
import { isReversible } from '../apply/code-module.ts'
import { planPart } from '../apply/planning.ts'
import type { Migration } from '../files/migration.ts'
import { progressOf } from '../ledger/journal.ts'
import type { LedgerRow } from '../ledger/read.ts'
import { type Engine, withFilesAndSession } from '../run/engine.ts'
import { readHistory, requireAgreement } from '../run/history.ts'
import { withOtherTools } from '../run/other-tools.ts'
import { wholeText } from '../sql/packets.ts'
import type { Stretch } from '../sql/step.ts'
import { type PendingMigration, pendingMigration } from './status.ts'

/** A pending migration, and what would be sent for it. */
export interface PlannedMigration extends PendingMigration {
  /** The file's path. */
  readonly file: string
  /** It has a down part, so that `down` can take it back. */
  readonly reversible: boolean
  /** What would be sent, in order: one step where it runs in a transaction; none of code. */
  readonly steps: readonly { readonly transaction: boolean; readonly sql: string }[]
}

/** What `up` would run. */
export interface PlanResult {
  /** The newest migration that the database has; null if there is none. */
  readonly head: string | null
  /** In the order in which they would run. */
  readonly migrations: readonly PlannedMigration[]
}

/** The pending migrations in the order in which `up` would run them, with their SQL; code has none. */
export async function plan(engine: Engine): Promise<PlanResult> {
  return withFilesAndSession(engine, async (files, session) => {
    const history = await withOtherTools(engine, files, session, await readHistory(engine, files, session))
    requireAgreement(history)
    const toRun = history.pending.filter(({ name }) => !history.recordOnly.has(name))
    await checkFiles(toRun, engine)
    return {
      head: history.head,
      migrations: await Promise.all(
        toRun.map(migration => planned(migration, doneOf(history.rows, migration), engine)),
      ),
    }
  })
}

/** How many statements of a half-applied migration are done; `up` goes on behind them. */
function doneOf(rows: readonly LedgerRow[], { name }: Migration): number {
  const journal = rows.find(row => row.name === name)?.journal
  return journal?.reverting ? 0 : progressOf(journal).statements
}

async function planned(migration: Migration, done: number, engine: Engine): Promise<PlannedMigration> {
  const pending = await pendingMigration(migration)
  const common = { ...pending, file: migration.file, reversible: await isReversible(migration, engine) }
  if (!migration.up) return { ...common, steps: [] }
  const plan = await planPart(migration.up)
  const sqlOf = (stretch: Stretch) => wholeText(migration.up!.source, stretch).trim()
  const steps = plan.transaction
    ? [{ transaction: true, sql: sqlOf(plan) }]
    : plan.steps
        .filter(({ upTo }) => upTo > done)
        .map(step => ({ transaction: step.mode === 'transaction', sql: sqlOf(step) }))
  return { ...common, steps }
}
