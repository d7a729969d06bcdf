// Applies one migration, in the way that it can be run.

import { ownState, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { raisedState } from '../ledger/guards.ts'
import type { Attempt } from '../run/attempt.ts'
import type { Run } from '../run/run.ts'
import { applyCode } from './run-code.ts'
import { SqlRun } from './run-sql.ts'
import type { SentAhead } from './sent-ahead.ts'
import { causeCode } from './transaction.ts'
import { untilDone } from './until-done.ts'

/**
 * Applies a migration, exactly once, and records it.
 * @returns `skipped` if another migrator has applied it.
 */
export async function apply(run: Run, migration: Migration, sentAhead: SentAhead): Promise<'applied' | 'skipped'> {
  const limits = sentAhead.limits(migration)
  const sql = migration.up && new SqlRun(run, migration, migration.up, 'up', limits, sentAhead)
  const advance = async (attempt: Attempt) => {
    try {
      if (sql) return (await sql.advance()) ? 'applied' : undefined
      await applyCode(run, migration, limits, attempt)
      return 'applied'
    } catch (error) {
      return whoseWork(run, migration, error)
    }
  }
  return untilDone(run, migration.name, limits.lockTimeout, advance, error => sql?.abandonAfter(error))
}

/** What is raised where a migration's row is not as it was when its turn came. */
const mayBeApplied: ReadonlySet<string | undefined> = new Set([ownState.alreadyApplied, ownState.journalMoved])

/** It was applied already: by this run, whose answer was lost, or by another migrator. Any other error is thrown again. */
async function whoseWork(run: Run, { name, checksum }: Migration, error: unknown): Promise<'applied' | 'skipped'> {
  const code = raisedState(error)
  if (!mayBeApplied.has(code) && causeCode(error) !== sqlstate.uniqueViolation) throw error
  await run.session.rollback()
  const row = await run.ledger.row(name)
  if (row?.state === 'applied' && row.checksum === checksum) return row.runId === run.id ? 'applied' : 'skipped'
  if (row === undefined && code === ownState.alreadyApplied)
    throw new MigrationFailedError(
      name,
      `${name} has lost its row in the ledger while it ran: it deleted the row itself, or another migrator reverted it. What it has committed stays. Leave the ledger to schemagate, and run \`schemagate up\` again.`,
    )
  if (row?.state === 'running' && row.journal?.batches)
    throw new MigrationFailedError(
      name,
      `${name} was begun in batches, each of which has committed, and now is to run in one transaction. Mark it \`// migrate:up transaction:false\` again, and run \`schemagate up\` again.`,
    )
  throw error
}
