// A migration written in TypeScript or JavaScript.

import { basename } from 'node:path'
import { clashCodes, codeOf, isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError, ProcessEndedError, SchemagateError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import type { Change } from '../ledger/changes.ts'
import { raisedState } from '../ledger/guards.ts'
import { fieldLines } from '../postgres/error-fields.ts'
import { type Limits, resetSession, setLimits } from '../postgres/limits.ts'
import type { Attempt } from '../run/attempt.ts'
import { refuseBehindPooler } from '../run/pooler.ts'
import type { Run } from '../run/run.ts'
import { messageOfThrown, readableThrown } from '../text/thrown.ts'
import type { Batches } from './batches/batches.ts'
import type { MigrationContext } from './code-context.ts'
import { foreignModule, keepingFolder, loadModule, placeIn } from './code-module.ts'
import { CodeQueries } from './code-queries.ts'
import { type Aftermath, wayOut } from './failure.ts'
import { untilAborted } from './until-aborted.ts'

/** Runs a code migration's `up` and records it: in one transaction, unless it is marked transaction:false. */
export async function applyCode(run: Run, migration: Migration, limits: Limits, attempt: Attempt): Promise<void> {
  const { name, checksum, kind, marks } = migration
  const { change, guards } = run.ledger
  const row = { name, checksum, kind, breaking: marks.breaking }
  const module = await loadModule(migration, run)
  await callAndRecord(run, migration, limits, attempt, {
    call: context => module.up(context),
    guard: guards.notApplied(name) + guards.forgetUnbegun(name),
    begun: change.runningCode(row),
    done: marks.transaction ? change.applied(row) : change.finished(name, checksum),
    aftermath: {
      text: marks.transaction
        ? `${name} was rolled back; the database is as it was before it.`
        : `What ${name} had committed stays; the next run calls it again from its start.`,
      again: 'schemagate up',
    },
  })
}

/** Runs a code migration's `down` and removes its row: in one transaction, unless it is marked transaction:false. */
export async function revertCode(run: Run, migration: Migration, limits: Limits, attempt: Attempt): Promise<void> {
  const { name, checksum, marks } = migration
  const { change, guards } = run.ledger
  const module = await loadModule(migration, run)
  await callAndRecord(run, migration, limits, attempt, {
    call: context => module.down?.(context),
    guard: guards.hasRow(name) + run.ledger.nothingNew,
    begun: change.revertingCode(name, checksum),
    done: change.reverted(name),
    aftermath: {
      text: marks.transaction
        ? `Reverting ${name} failed and was rolled back; the database is as it was before.`
        : `What reverting ${name} had committed stays; the next run calls \`down\` again from its start.`,
      again: 'schemagate down --yes',
    },
  })
}

/** One direction of a module, and what the ledger says of it. */
interface Call {
  readonly call: (context: MigrationContext) => unknown
  readonly guard: string
  /** Outside of a transaction: written before the call, since then nothing tells how much of it is done. */
  readonly begun: Change
  readonly done: Change
  readonly aftermath: Aftermath
}

async function callAndRecord(
  run: Run,
  migration: Migration,
  limits: Limits,
  attempt: Attempt,
  one: Call,
): Promise<void> {
  const { session, ledger } = run
  const { name, marks, file } = migration
  if (!marks.transaction) {
    refuseBehindPooler(run, name)
    await ledger.write([one.begun], { guard: one.guard })
    await session.script(setLimits(session, limits, false).join('')).done
    await callModule(run, migration, limits, attempt, one)
    await session.rollback()
    return ledger.record([one.done], { beforeGuard: [resetSession(session)], discard: true })
  }
  const transaction = ledger.transaction({ limits, guard: one.guard, reset: true, discard: true })
  await transaction.send().done
  await callModule(run, migration, limits, attempt, one)
  if (!session.inTransaction)
    throw new MigrationFailedError(
      name,
      `${file} ended its own transaction. Mark it \`// migrate:up transaction:false\`, or leave COMMIT and ROLLBACK to the run.`,
    )
  await transaction.commit([one.done]).done.catch((error: unknown) => {
    throw afterwards(migration, error, one.aftermath)
  })
}

/** What the module has done to the ledger, or to the session, shows when the ledger is written behind it. */
function afterwards({ name }: Migration, error: unknown, aftermath: Aftermath): unknown {
  const code = codeOf(error)
  const isOther = code === undefined || raisedState(error) || clashCodes.has(code) || /^(?:08|53|57|58)/.test(code)
  if (isOther || isConnectionLoss(error) || !(error instanceof Error)) return error
  const lines = [
    `${name} failed: ${error.message} (${code}), when the ledger was written after it`,
    ...fieldLines(error),
    `${aftermath.text} ${wayOut(error, aftermath.again)}`,
  ]
  return new MigrationFailedError(name, lines.join('\n'), { cause: error })
}

/** A server that ended the session over the failure has cleaned up by that. */
async function leaveClean({ session }: Run): Promise<void> {
  await session.rollback()
  await session.script(resetSession(session)).done.catch((error: unknown) => {
    if (!isConnectionLoss(error)) throw error
  })
}

/** Calls one direction of a module; what it throws is rolled back and explained. */
async function callModule(
  run: Run,
  migration: Migration,
  limits: Limits,
  attempt: Attempt,
  { call, aftermath }: Call,
): Promise<void> {
  const { name, marks } = migration
  const queries = new CodeQueries(run, migration)
  const { query, onFailure } = queries
  let batches: Batches | undefined
  const context: MigrationContext = {
    name,
    query,
    batch: async (options, work) => {
      if (marks.transaction)
        throw new Error(
          'context.batch commits batch by batch, and this migration runs in one transaction: mark it `// migrate:up transaction:false`.',
        )
      const { Batches } = await import('./batches/batches.ts')
      batches ??= new Batches({ run, migration: name, limits, attempt, query, onFailure })
      return batches.batch(options, work)
    },
    log: { info: (fields, message) => run.log.info({ ...fields, migration: name }, message) },
    signal: run.signal,
  }
  try {
    await keepingFolder(() => untilAborted(run.signal, Promise.resolve(call(context))))
    if (!queries.isIdle) await untilAborted(run.signal, queries.idle())
    // a rejection that the module neither awaited nor caught is a failure as well
    if (run.signal.reason instanceof ProcessEndedError) throw run.signal.reason
    await batches?.requireEnded()
    await queries.requireNoneHidden()
    if (batches && batches.left.length > 0)
      run.log.warn(
        { event: 'batches-left', migration: name, batches: batches.left },
        `${name}: an interrupted run went over ${batches.left.join(', ')}, and this one did not: what was not done there is not done now`,
      )
  } catch (thrown) {
    const error = readableThrown(thrown)
    // a file that is not there, a service that does not answer: the module's own errors have such codes, too
    if (run.signal.aborted || (error === queries.failed?.error && isConnectionLoss(error))) throw error
    await leaveClean(run)
    // of a batch: a lock that it did not get, another migrator
    if (error instanceof SchemagateError || raisedState(error)) throw error
    throw moduleFailure(migration, error, queries, batches?.count ?? 0, aftermath)
  }
}

/** What a module has thrown, with its place in the file, what the server said, and the way out. */
function moduleFailure(
  { name, file }: Migration,
  error: unknown,
  { failed, isHidden }: CodeQueries,
  batchesDone: number,
  aftermath: Aftermath,
): MigrationFailedError {
  const code = codeOf(error)
  const message = messageOfThrown(error)
  const place = placeIn(file, error)
  const at = place ? ` at ${basename(place.file)}:${place.line}:${place.column}` : ''
  const foreign = error instanceof TypeError ? foreignModule(file) : ''
  const lines = [
    `${name} failed${at}: ${message}${code ? ` (${code})` : ''}`,
    ...(foreign ? [`  ${foreign}`] : []),
    ...fieldLines(error, failed?.error === error ? failed?.query : undefined),
    ...(isHidden
      ? [
          '  The module caught this error and went on, but in a transaction nothing can follow it: let it through, guard the query with a savepoint, or mark the file `// migrate:up transaction:false`.',
        ]
      : []),
    ...(batchesDone > 0 ? [`  ${batchesDone} of its batches are done, and are not done again.`] : []),
    `${aftermath.text} ${wayOut(error, aftermath.again)}`,
  ]
  return new MigrationFailedError(name, lines.join('\n'), { cause: error, place })
}
