// Runs one part of a migration that is SQL: whole, or in steps where it was begun so, or where the server wants it.

import { needsSteps, ownState } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import type { Blocker } from '../run/blockers.ts'
import type { Run } from '../run/run.ts'
import type { Limits } from './messages.ts'
import { planPart } from './planning.ts'
import { applySteps, type Direction, revertSteps } from './run-steps.ts'
import { divisionAt } from './step-progress.ts'
import { applyTransaction, causeCode, revertTransaction } from './transaction.ts'

/** How a part came to be run; kept over attempts. */
export interface Way {
  inSteps: boolean
  /** Where the server wants it divided. */
  readonly divisions: Map<number, 'before' | 'alone'>
}

export function newWay(): Way {
  return { inSteps: false, divisions: new Map() }
}

/** Runs the part and changes the ledger. How it was begun, by whichever run, decides how it goes on. */
export async function runSql(
  run: Run,
  migration: Migration,
  part: SqlPart,
  direction: Direction,
  limits: Limits,
  blockers: () => readonly Blocker[],
  way: Way,
): Promise<void> {
  const plan = way.inSteps ? undefined : await planPart(part)
  if (plan?.transaction) {
    try {
      const whole = direction === 'up' ? applyTransaction : revertTransaction
      return await whole(run, migration, part, plan, limits)
    } catch (error) {
      const code = causeCode(error)
      const begun = code === ownState.begunInSteps
      const division =
        !begun && !plan.wrapped && code !== undefined && needsSteps.has(code) && error instanceof MigrationFailedError
          ? error.statement !== undefined && divisionAt(part, plan, error.statement, code)
          : undefined
      if (!begun && !division) throw error
      await run.session.rollback()
      if (division) {
        way.divisions.set(division.index, division.where)
        run.log.info(
          { event: 'steps', migration: migration.name, code },
          `${migration.name} cannot run in one transaction (${code}); it was rolled back and is run step by step`,
        )
      }
    }
  }
  way.inSteps = true
  const inSteps = direction === 'up' ? applySteps : revertSteps
  await inSteps(run, migration, part, way.divisions, limits, blockers)
}
