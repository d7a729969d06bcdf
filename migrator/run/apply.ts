// Applies one migration, in the way that it can be run.

import { DivergedError, MigrationFailedError, UsageError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { readRow } from '../ledger/read.ts'
import { codeOf, needsSteps, ownState, sqlstate } from '../postgres/sqlstate.ts'
import type { Blocker } from '../postgres/watch.ts'
import { placeAt } from '../sql/excerpt.ts'
import { loadParser, syntaxError } from '../sql/parse.ts'
import { needsParsing, type Plan, planSql, UnendedBlockError } from '../sql/steps.ts'
import { applyCode } from './code.ts'
import { persist } from './persist.ts'
import { limitsOf, type MigrationStatus, type Run } from './run.ts'
import { applySteps } from './steps.ts'
import { applyTransaction } from './transaction.ts'

/**
 * Applies a migration, exactly once, and records it.
 * @param asynchronous its commit need not wait for the disk, because a later one of this run will.
 * @returns `skipped` if another migrator had applied it meanwhile.
 */
export async function apply(run: Run, migration: Migration, asynchronous: boolean): Promise<MigrationStatus> {
  const limits = limitsOf(run, migration.marks, asynchronous)
  return watched(run, migration.name, limits.lockTimeout, async blockers => {
    let plan = migration.up && (await planPart(migration.up))
    return persist(
      run,
      migration.name,
      async () => {
        try {
          if (migration.kind === 'code') await applyCode(run, migration, limits)
          else if (plan?.transaction) await applyTransaction(run, migration, migration.up!, plan, limits)
          else if (plan) await applySteps(run, migration, migration.up!, plan.steps, limits, blockers)
          return 'applied'
        } catch (error) {
          const code = codeOf(error instanceof Error && error.cause ? error.cause : error)
          if (code === ownState.alreadyApplied || code === sqlstate.uniqueViolation) {
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
            // of a step or of transaction:false code, 23505 is the migration's own
            const whole = plan ? plan.transaction : migration.marks.transaction
            if (row?.state === 'running' && whole)
              throw new DivergedError(
                `${migration.name} was interrupted after ${row.journal?.done?.length ?? 0} of its steps, and its file has since been changed to run in one transaction. Undo that change.`,
              )
          }
          if (code !== undefined && needsSteps.has(code) && plan?.transaction && migration.up) {
            await run.session.rollback()
            const steps = await planPart(migration.up, false)
            if (!steps.transaction && steps.steps.length > 0) {
              run.log.info(
                { event: 'steps', migration: migration.name, code },
                `${migration.name} cannot run in one transaction (${code}); it was rolled back and is run step by step`,
              )
              plan = steps
              await applySteps(run, migration, migration.up, steps.steps, limits, blockers)
              return 'applied'
            }
          }
          throw error
        }
      },
      blockers,
    )
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

/**
 * How a part is to be run.
 * @throws UsageError if it must be run in steps and they cannot be told apart.
 */
export async function planPart(part: SqlPart, transaction = part.marks.transaction): Promise<Plan> {
  const sql = part.source.slice(part.start, part.end)
  if (!transaction || needsParsing(sql)) await loadParser()
  let plan: Plan | undefined
  try {
    plan = planSql(sql, transaction)
  } catch (error) {
    if (!(error instanceof UnendedBlockError)) throw error
    const place = placeAt(part.file, part.source, part.start + error.offset)
    throw new UsageError(`${part.file}, line ${place.line}: ${error.message}`, { place })
  }
  if (plan) return plan
  // not this grammar's SQL: the server, perhaps newer, is the judge; but only of a whole
  if (transaction) return { transaction: true, sql, begin: '' }
  const wrong = syntaxError(sql)
  const place = placeAt(part.file, part.source, part.start + (wrong?.offset ?? 0))
  throw new UsageError(
    `${part.file}, line ${place.line}, column ${place.column}: ${wrong?.message ?? 'syntax error'}. It is to run statement by statement, and cannot be split. Correct it.`,
    { place },
  )
}
