// Applies one migration, in the way that it can be run.

import { ownState, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { readRow } from '../ledger/read.ts'
import { persist } from '../run/attempt.ts'
import type { Blocker } from '../run/blockers.ts'
import { limitsOf, type MigrationStatus, type Run } from '../run/run.ts'
import { applyCode } from './run-code.ts'
import { newWay, runSql } from './run-sql.ts'
import { causeCode } from './transaction.ts'

/**
 * Applies a migration, exactly once, and records it.
 * @param asynchronous its commit need not wait for the disk, because a later one of this run will.
 * @returns `skipped` if another migrator had applied it meanwhile.
 */
export async function apply(run: Run, migration: Migration, asynchronous: boolean): Promise<MigrationStatus> {
  const limits = limitsOf(run, migration.marks, asynchronous)
  return watched(run, migration.name, limits.lockTimeout, async blockers => {
    const way = newWay()
    const attempt = async (): Promise<MigrationStatus> => {
      try {
        if (migration.up) await runSql(run, migration, migration.up, 'up', limits, blockers, way)
        else await applyCode(run, migration, limits)
        return 'applied'
      } catch (error) {
        const code = causeCode(error)
        if (code !== ownState.alreadyApplied && code !== sqlstate.uniqueViolation) throw error
        await run.session.rollback()
        // committed by this run, but the answer was lost; or by another migrator
        const row = await readRow(run.session, run.settings.schema, migration.name)
        if (row?.state === 'applied' && row.checksum === migration.checksum)
          return row.runId === run.id ? 'applied' : 'skipped'
        if (row === undefined && code === ownState.alreadyApplied)
          throw new MigrationFailedError(
            migration.name,
            `${migration.name} has lost its row in the ledger while it ran: it deleted the row itself, or another migrator reverted it. What it has committed stays. Leave the ledger to schemagate, and run \`schemagate up\` again.`,
          )
        throw error
      }
    }
    return persist(run, migration.name, attempt, blockers)
  })
}

/** Watches from a second connection while `work` is under way. */
export async function watched<T>(
  run: Run,
  name: string,
  lockTimeout: number,
  work: (blockers: () => readonly Blocker[]) => Promise<T>,
): Promise<T> {
  const sighting = run.watch.start(name, run.session, lockTimeout)
  try {
    return await work(() => sighting.blockers)
  } finally {
    sighting.stop()
  }
}
