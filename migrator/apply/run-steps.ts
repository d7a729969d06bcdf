// A migration that cannot run in one transaction: step by step, each journalled in the ledger, so that the next run
// goes on where this one was stopped.

import { codeOf, isConnectionLoss, needsSteps, ownState } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError, TableLockError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { progressOf } from '../ledger/journal.ts'
import { type Journal, type LedgerRow, readRow } from '../ledger/read.ts'
import type { Session } from '../postgres/session.ts'
import { persist } from '../run/attempt.ts'
import type { Blocker } from '../run/blockers.ts'
import { refuseBehindPooler } from '../run/pooler.ts'
import type { Run } from '../run/run.ts'
import { wholeText } from '../sql/packets.ts'
import type { Statement } from '../sql/parse.ts'
import type { Step } from '../sql/step.ts'
import { PlanError } from '../sql/step.ts'
import type { Divisions } from '../sql/steps.ts'
import { type Aftermath, explainFailure } from './failure.ts'
import { clearAway, indexesBefore, type Leftover, mend } from './leftovers.ts'
import { type Limits, leaveNothing, resetSession, setLimits } from './messages.ts'
import { refusedPlan } from './planning.ts'
import { Course, type Position } from './step-progress.ts'
import { causeCode, inTransaction } from './transaction.ts'

export type Direction = 'up' | 'down'

/** Applies a migration step by step. Steps that an earlier run has done are not done again. */
export async function applySteps(
  run: Run,
  migration: Migration,
  part: SqlPart,
  divisions: Divisions,
  limits: Limits,
  blockers: () => readonly Blocker[],
): Promise<void> {
  const { name, checksum, kind } = migration
  const { messages, session } = run
  refuseBehindPooler(run, name)
  const row = await readRow(session, run.settings.schema, name)
  const course = new Course(migration, part, divisions)
  // what is wrong with the file is told before anything is done
  await planned(part, () => course.at(row?.state === 'running' ? row.journal : null))
  if (row?.state !== 'running') {
    const guard = messages.applyGuard(name, kind === 'repeatable' ? checksum : undefined)
    const record = messages.recordRunning({ name, checksum, kind, breaking: migration.marks.breaking })
    await session.script(`begin;${guard}${record}commit`).done
  } else if (row.checksum !== checksum) {
    run.known.forget(name)
    await session.query(messages.setChecksum(name, checksum))
  }
  run.known.underWay(name, checksum)
  await runSteps({ run, migration, part, course, limits, blockers, direction: 'up' })
  await session.script(`begin;${resetSession(session)}${messages.finish(name)}${leaveNothing}commit`).done
}

/** Reverts a migration step by step; its row says so until the last step is done, and then is gone. */
export async function revertSteps(
  run: Run,
  migration: Migration,
  part: SqlPart,
  divisions: Divisions,
  limits: Limits,
  blockers: () => readonly Blocker[],
): Promise<void> {
  const { name } = migration
  const { messages, session } = run
  refuseBehindPooler(run, name)
  const row = await readRow(session, run.settings.schema, name)
  const course = new Course(migration, part, divisions)
  await planned(part, () => course.at(row?.journal?.reverting ? row.journal : null))
  if (!row?.journal?.reverting) {
    run.known.forget(name)
    await session.script(`begin;${messages.revertGuard(name)}${messages.recordReverting(name)}commit`).done
  }
  run.known.reverting(name)
  await runSteps({ run, migration, part, course, limits, blockers, direction: 'down' })
  await session.script(`begin;${resetSession(session)}${messages.remove(name)}${leaveNothing}commit`).done
}

/** @throws UsageError for a text that cannot be divided. */
async function planned<T>(part: SqlPart, plan: () => Promise<T>): Promise<T> {
  try {
    return await plan()
  } catch (error) {
    throw error instanceof PlanError ? refusedPlan(part, error) : error
  }
}

interface AllSteps {
  readonly run: Run
  readonly migration: Migration
  readonly part: SqlPart
  readonly course: Course
  readonly limits: Limits
  readonly blockers: () => readonly Blocker[]
  readonly direction: Direction
}

async function runSteps(all: AllSteps): Promise<void> {
  const { run, migration, part, course, limits, blockers, direction } = all
  const { name } = migration
  const { session } = run
  for (;;) {
    const row = await readRow(session, run.settings.schema, name)
    if (!isUnderWay(row, direction)) throw new FinishedElsewhereError(name)
    const position = await course.at(row!.journal).catch(async error => {
      const { steps: done } = progressOf(row!.journal)
      throw error instanceof PlanError ? await unplanned(all, error, done) : error
    })
    const { step, number, total } = position
    if (!step) return
    run.signal.throwIfAborted()
    const one: OneStep = {
      run,
      migration,
      part,
      step,
      position,
      limits: { ...limits, asynchronous: false },
      direction,
      aftermath: whatStays(name, direction, number, total),
    }
    try {
      // a clash is the step's alone: what is journalled stays
      await persist(run, name, () => runStep(one), blockers)
    } catch (error) {
      const code = causeCode(error)
      // only the catalogue, or the body of a procedure that commits, tells that this cannot be in one transaction
      if (error instanceof MigrationFailedError && code !== undefined && needsSteps.has(code)) {
        if (step.mode === 'transaction' && course.divide(step, error.statement, code)) {
          await session.rollback()
          continue
        }
      }
      const failed = error instanceof MigrationFailedError || error instanceof TableLockError
      if (number === 0 && failed && !run.signal.aborted) await abandon(all)
      throw error
    }
  }
}

/** Nothing done, nothing to go on from: as if it had never been begun. */
async function abandon({ run, migration: { name }, direction }: AllSteps): Promise<void> {
  run.known.forget(name)
  // with the connection lost, the row stays: nothing of it is done, and the next run begins it
  await run.session
    .script(direction === 'up' ? run.messages.abandon(name) : run.messages.keepApplied(name))
    .done.catch(lost => {
      if (!isConnectionLoss(lost)) throw lost
    })
}

/** Only while it ran it turned out that it has to be divided where it cannot be. */
async function unplanned(all: AllSteps, error: PlanError, done: number): Promise<Error> {
  const refused = refusedPlan(all.part, error)
  if (done === 0) await abandon(all)
  const { name } = all.migration
  const { text, again } = whatStays(name, all.direction, done, done + 1)
  return new MigrationFailedError(name, `${name} failed: ${refused.message}\n${text} Then run \`${again}\` again.`, {
    place: refused.place,
  })
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
  readonly position: Position
  readonly limits: Limits
  readonly direction: Direction
  /** What became of the migration, should this step fail. */
  readonly aftermath: Aftermath
}

async function runStep(one: OneStep): Promise<void> {
  // after a lost connection: the step may have been committed although its answer never came, or by another migrator; or
  // steps before it are lost, where a standby was promoted
  const row = await readRow(one.run.session, one.run.settings.schema, one.migration.name)
  const done = row?.journal?.done ?? []
  if (!isUnderWay(row, one.direction) || done.join() !== one.position.done.join()) return
  // a step that was begun and then corrected in the file is another one
  const begun = row?.journal?.started
  const started = begun?.step === one.position.number && begun.checksum === one.position.checksum ? begun : undefined
  if (one.step.mode === 'transaction' && !started) return inOneTransaction(one)
  return alone(one, started)
}

async function inOneTransaction({ run, migration, part, step, position, limits, aftermath }: OneStep): Promise<void> {
  const { name } = migration
  const settings = step.settings.map(({ text }) => `${text}\n;`)
  const rollback = step.rolledBack ? 'rollback to savepoint schemagate_block;' : ''
  const guard = run.messages.stepGuard(name, position.done)
  await inTransaction(run, name, part, step, {
    before: `begin ${step.begin};${setLimits(limits, true)}${guard}${settings.join('')}${step.rolledBack ? 'savepoint schemagate_block;' : ''}`,
    beforeCount: 3 + settings.length + Number(step.rolledBack),
    after: `${rollback}${resetSession(run.session)}${run.messages.stepDone(name, position.doneAfter)}`,
    aftermath,
  })
}

/** A statement that commits by itself: announced in the journal before, so that the next run knows what to look for. */
async function alone(one: OneStep, started: Journal['started']): Promise<void> {
  const { run, migration, part, step, position, limits, aftermath } = one
  const { session, messages } = run
  const { name } = migration
  const { statement } = step
  const sql = wholeText(part.source, step)
  // a local setting has no transaction here in which it would hold
  const settings = step.settings.map(({ session: text }) => `${text}\n;`).join('')
  let mark = started
  let ran = false
  let completed = false
  await session.script(`${setLimits(limits, false)}${settings}`).done
  try {
    const outcome = statement ? await mend(session, statement.node, started) : { done: false }
    if (outcome.message) run.log.info({ event: 'mend', migration: name }, `${name}: ${outcome.message}`)
    if (!outcome.done) {
      const indexes = started?.indexes ?? (statement && (await indexesBefore(session, statement.node)))
      mark = { step: position.number, statements: step.first, checksum: position.checksum, ...(indexes && { indexes }) }
      const journal = `${messages.stepGuard(name, position.done)}${messages.stepStarted(name, mark)}`
      await session.script(`begin;reset role;reset session authorization;${journal}commit`).done
      if (settings) await session.script(settings).done
      ran = true
      await session.script(sql).done
      completed = true
    }
    await session.script(`begin;${resetSession(session)}${messages.stepDone(name, position.doneAfter)}commit`).done
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
      { error, text: sql, sqlStart: 0, sqlLength: sql.length, fileOffset: step.start, completed: 0 },
      aftermath,
    )
  }
}

/** Clears away what a statement left that failed; what is still in use cannot be. */
async function leftover(
  session: Session,
  statement: Statement | undefined,
  mark: Journal['started'],
): Promise<Leftover> {
  if (!statement) return { stays: false }
  try {
    return await clearAway(session, statement.node, mark)
  } catch (error) {
    if (isConnectionLoss(error)) throw error
    return { stays: true, message: `what it left behind is still in use (${error})` }
  }
}

function whatStays(name: string, direction: Direction, done: number, total: number): Aftermath {
  const again = direction === 'up' ? 'schemagate up' : 'schemagate down --yes'
  if (done === 0) return { text: `Nothing of ${name} was ${direction === 'up' ? 'applied' : 'reverted'}.`, again }
  return {
    text: `The first ${done} of ${total} steps of ${name} are done and stay; the next run goes on at step ${done + 1}.`,
    again,
  }
}
