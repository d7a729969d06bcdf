// Reverts one migration, and removes its row from the ledger.

import { isConnectionLoss, ownState } from '../../gate/postgres/sqlstate.ts'
import { DivergedError, RefusedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { raisedState } from '../ledger/guards.ts'
import type { Attempt } from '../run/attempt.ts'
import { limitsOf, type Run } from '../run/run.ts'
import { revertCode } from './run-code.ts'
import { SqlRun } from './run-sql.ts'
import { untilDone } from './until-done.ts'

/**
 * Reverts a migration, or finishes a revert that was interrupted.
 * @returns `skipped` if another migrator has reverted it.
 */
export async function revert(run: Run, migration: Migration): Promise<'reverted' | 'skipped'> {
  const limits = limitsOf(run, migration.down?.marks ?? migration.marks, false)
  const sql = migration.down && new SqlRun(run, migration, migration.down, 'down', limits)
  if (!sql && migration.kind !== 'code')
    throw new DivergedError(
      `${migration.name} was being reverted, and that was not finished; but ${migration.file} has no down part any more. Restore it, and run it again.`,
    )
  let lost = false
  const advance = async (attempt: Attempt) => {
    try {
      if (sql) return (await sql.advance()) ? 'reverted' : undefined
      await revertCode(run, migration, limits, attempt)
      return 'reverted'
    } catch (error) {
      lost ||= isConnectionLoss(error)
      const raised = raisedState(error)
      if (raised === ownState.overtaken) {
        await run.session.rollback()
        throw new RefusedError(
          `Another migrator has applied newer migrations in between; ${migration.name} was not reverted. Run \`schemagate down --yes\` again if they are to be reverted, too.`,
        )
      }
      if (raised !== ownState.alreadyApplied) throw error
      await run.session.rollback()
      await run.ledger.row(migration.name)
      // its row is gone: after a lost connection that is this run's own doing, whose answer never came
      return lost ? 'reverted' : 'skipped'
    }
  }
  return untilDone(run, migration.name, limits.lockTimeout, advance, error => sql?.abandonAfter(error))
}
