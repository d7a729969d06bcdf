// A migration that cannot run in one transaction: step by step, each journalled in the ledger, so that the next run
// goes on where this one was stopped.

import { createHash } from 'node:crypto'
import { DivergedError, MigrationFailedError, TableLockError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { type Journal, type LedgerRow, readRow } from '../ledger/read.ts'
import type { Session } from '../postgres/session.ts'
import { codeOf, isConnectionLoss, needsSteps, ownState } from '../postgres/sqlstate.ts'
import type { Blocker } from '../postgres/watch.ts'
import type { Statement } from '../sql/parse.ts'
import type { Step } from '../sql/steps.ts'
import { type Aftermath, explainFailure } from './failure.ts'
import { clearAway, indexesBefore, type Leftover, mend } from './mend.ts'
import { type Limits, leaveNothing, resetSession, setLimits } from './messages.ts'
import { persist } from './persist.ts'
import { refuseBehindPooler } from './pooler.ts'
import type { Run } from './run.ts'
import { inOneMessage } from './transaction.ts'

type Direction = 'up' | 'down'

/** Applies a migration step by step. Steps that an earlier run has done are not done again. */
export async function applySteps(
  run: Run,
  migration: Migration,
  part: SqlPart,
  steps: readonly Step[],
  limits: Limits,
  blockers: () => readonly Blocker[],
): Promise<void> {
  const { name, checksum, kind } = migration
  const { messages, session } = run
  refuseBehindPooler(run, name)
  const row = await readRow(session, run.settings.schema, name)
  if (row?.state !== 'running') {
    const guard = messages.applyGuard(name, kind === 'repeatable' ? checksum : undefined)
    const record = messages.recordRunning({ name, checksum, kind, breaking: migration.marks.breaking })
    await session.script(`begin;${guard}${record}commit`).done
  }
  const checksums = checkDoneSteps(migration, row, steps)
  if (row && row.checksum !== checksum) {
    run.known.forget(name)
    await session.query(messages.setChecksum(name, checksum))
  }
  run.known.underWay(name, checksum)
  await runSteps({ run, migration, part, steps, checksums, limits, blockers, direction: 'up' })
  await session.script(`begin;${resetSession(session)}${messages.finish(name)}${leaveNothing}commit`).done
}

/** Reverts a migration step by step; its row says so until the last step is done, and then is gone. */
export async function revertSteps(
  run: Run,
  migration: Migration,
  part: SqlPart,
  steps: readonly Step[],
  limits: Limits,
  blockers: () => readonly Blocker[],
): Promise<void> {
  const { name } = migration
  const { messages, session } = run
  refuseBehindPooler(run, name)
  const row = await readRow(session, run.settings.schema, name)
  if (!row?.journal?.reverting) {
    run.known.forget(name)
    await session.script(`begin;${messages.revertGuard(name)}${messages.recordReverting(name)}commit`).done
  }
  run.known.reverting(name)
  const checksums = checkDoneSteps(migration, row?.journal?.reverting ? row : undefined, steps)
  await runSteps({ run, migration, part, steps, checksums, limits, blockers, direction: 'down' })
  await session.script(`begin;${resetSession(session)}${messages.remove(name)}${leaveNothing}commit`).done
}

interface AllSteps {
  readonly run: Run
  readonly migration: Migration
  readonly part: SqlPart
  readonly steps: readonly Step[]
  readonly checksums: readonly string[]
  readonly limits: Limits
  readonly blockers: () => readonly Blocker[]
  readonly direction: Direction
}

async function runSteps({
  run,
  migration,
  part,
  steps,
  checksums,
  limits,
  blockers,
  direction,
}: AllSteps): Promise<void> {
  const { name } = migration
  const { messages, session } = run
  for (;;) {
    const row = await readRow(session, run.settings.schema, name)
    if (!isUnderWay(row, direction)) throw new FinishedElsewhereError(name)
    const done = row?.journal?.done?.length ?? 0
    const step = steps[done]
    if (!step) return
    run.signal.throwIfAborted()
    const one: OneStep = {
      run,
      migration,
      part,
      step,
      limits: { ...limits, asynchronous: false },
      settings: sessionSettings(steps.slice(0, done).flatMap(s => s.statements)),
      done,
      direction,
      checksum: checksums[done]!,
      aftermath: whatStays(name, direction, done, steps.length),
    }
    try {
      // a clash is the step's alone: what is journalled stays
      await persist(run, name, () => runStep(one), blockers)
    } catch (error) {
      // nothing done, nothing to go on from: as if it had never been begun
      const failed = error instanceof MigrationFailedError || error instanceof TableLockError
      if (done === 0 && failed && !run.signal.aborted) {
        run.known.forget(name)
        // with the connection lost, the row stays: nothing of it is done, and the next run begins it
        await session
          .script(direction === 'up' ? messages.abandon(name) : messages.keepApplied(name))
          .done.catch(lost => {
            if (!isConnectionLoss(lost)) throw lost
          })
      }
      throw error
    }
  }
}

/** While the connection was lost, another migrator took the lock, and has finished what was begun. */
class FinishedElsewhereError extends Error {
  readonly code = ownState.alreadyApplied
}

function isUnderWay(row: LedgerRow | undefined, direction: Direction): boolean {
  return row?.state === 'running' && (row.journal?.reverting === true) === (direction === 'down')
}

interface OneStep {
  readonly run: Run
  readonly migration: Migration
  readonly part: SqlPart
  readonly step: Step
  readonly limits: Limits
  /** The SETs of earlier steps: a session keeps them, but not the next one. */
  readonly settings: string
  readonly done: number
  readonly direction: Direction
  readonly checksum: string
  /** What became of the migration, should this step fail. */
  readonly aftermath: Aftermath
}

async function runStep(one: OneStep): Promise<void> {
  // after a lost connection: the step may have been committed although its answer never came, or by another migrator; or
  // steps before it are lost, where a standby was promoted
  const row = await readRow(one.run.session, one.run.settings.schema, one.migration.name)
  if (!isUnderWay(row, one.direction) || (row?.journal?.done?.length ?? 0) !== one.done) return
  // a step that was begun and then corrected in the file is another one
  const begun = row?.journal?.started
  const started = begun?.step === one.done && begun.checksum === one.checksum ? begun : undefined
  try {
    if (one.step.mode === 'transaction' && !started) return await inTransaction(one)
    return await alone(one, started)
  } catch (error) {
    const code = codeOf(error instanceof Error && error.cause ? error.cause : error)
    const forbidden = code !== undefined && needsSteps.has(code)
    // only the catalogue, or the body of a procedure that commits, tells that this cannot be in a transaction
    if (forbidden && one.step.mode === 'transaction' && one.step.statements.length === 1) {
      await one.run.session.rollback()
      return alone(one, started)
    }
    throw error
  }
}

async function inTransaction({ run, migration, part, step, limits, settings, done, checksum, aftermath }: OneStep) {
  const { name } = migration
  const rollback = step.rolledBack ? 'rollback to savepoint schemagate_block;' : ''
  const before = `begin ${step.begin};${setLimits(limits, true)}${run.messages.stepGuard(name, done)}${settings}${step.rolledBack ? 'savepoint schemagate_block;' : ''}`
  await inOneMessage(run, name, part, part.start + step.start, step.sql, {
    before,
    beforeCount: 3 + count(settings) + Number(step.rolledBack),
    after: `${rollback}${resetSession(run.session)}${run.messages.stepDone(name, checksum)}`,
    aftermath,
  })
}

/** A statement that commits by itself: announced in the journal before, so that the next run knows what to look for. */
async function alone(one: OneStep, started: Journal['started']): Promise<void> {
  const { run, migration, part, step, limits, settings, done, checksum, aftermath } = one
  const { session, messages } = run
  const { name } = migration
  const statement = step.statements[0]!
  let mark = started
  let ran = false
  let completed = false
  await session.script(`${setLimits(limits, false)}${settings}`).done
  try {
    const outcome = await mend(session, statement.node, started)
    if (outcome.message) run.log.info({ event: 'mend', migration: name }, `${name}: ${outcome.message}`)
    if (!outcome.done) {
      const indexes = started?.indexes ?? (await indexesBefore(session, statement.node))
      mark = { step: done, checksum, ...(indexes && { indexes }) }
      const journal = `${messages.stepGuard(name, done)}${messages.stepStarted(name, mark)}`
      await session.script(`begin;reset role;reset session authorization;${journal}commit`).done
      if (settings) await session.script(settings).done
      ran = true
      await session.script(step.sql).done
      completed = true
    }
    await session.script(`begin;${resetSession(session)}${messages.stepDone(name, checksum)}commit`).done
  } catch (error) {
    if (run.signal.aborted || isConnectionLoss(error)) throw error
    await session.rollback()
    if (codeOf(error)?.startsWith('SG')) throw error
    // what was there before it ran is for the next attempt, and so is what it did, where only the journal failed
    const left: Leftover =
      ran && !completed ? await leftover(session, statement, mark) : { stays: completed || started !== undefined }
    await session.script(`begin;${resetSession(session)}${left.stays ? '' : messages.stepFailed(name)}commit`).done
    if (left.message) {
      const level = left.stays ? 'warn' : 'info'
      const more = left.stays ? '; the next attempt goes on from there' : ''
      run.log[level]({ event: 'mend', migration: name }, `${name}: ${left.message}${more}`)
    }
    throw await explainFailure(
      name,
      part,
      {
        error,
        text: step.sql,
        sqlStart: 0,
        sqlLength: step.sql.length,
        fileOffset: part.start + step.start,
        completed: 0,
      },
      aftermath,
    )
  }
}

/** Clears away what a statement left that failed; what is still in use cannot be. */
async function leftover(session: Session, { node }: Statement, mark: Journal['started']): Promise<Leftover> {
  try {
    return await clearAway(session, node, mark)
  } catch (error) {
    if (isConnectionLoss(error)) throw error
    return { stays: true, message: `what it left behind is still in use (${error})` }
  }
}

/** Statements that change the session for the statements after them. */
function sessionSettings(statements: readonly Statement[]): string {
  return statements
    .filter(({ node, text }) =>
      'VariableSetStmt' in node
        ? node.VariableSetStmt.is_local !== true
        : /^select\s+(pg_catalog\.)?set_config\s*\(.*,\s*false\s*\)$/is.test(text),
    )
    .map(({ text }) => `${text}\n;`)
    .join('')
}

function count(settings: string): number {
  return settings.split('\n;').length - 1
}

function whatStays(name: string, direction: Direction, done: number, total: number): Aftermath {
  const again = direction === 'up' ? 'schemagate up' : 'schemagate down --yes'
  if (done === 0) return { text: `Nothing of ${name} was ${direction === 'up' ? 'applied' : 'reverted'}.`, again }
  return {
    text: `The first ${done} of ${total} steps of ${name} are done and stay; the next run goes on at step ${done + 1}.`,
    again,
  }
}

/**
 * The steps' checksums. A half-applied migration may be corrected in what is not done; what is done cannot be changed.
 * @throws DivergedError if it was.
 */
function checkDoneSteps(migration: Migration, row: LedgerRow | undefined, steps: readonly Step[]): string[] {
  const checksums = steps.map(step => createHash('sha256').update(step.sql).digest('hex').slice(0, 16))
  const done = row?.state === 'running' ? (row.journal?.done ?? []) : []
  const changed = done.findIndex((checksum, i) => checksum !== checksums[i])
  if (changed === -1) return checksums
  throw new DivergedError(
    `${migration.file} was changed in step ${changed + 1}, which is already done: ${migration.name} was interrupted after ${done.length} steps. ` +
      'Undo the change in the steps that are done; those that are not may be corrected.',
  )
}
