// One step of a migration: in a transaction with its journal entry, or by itself between two entries.

import { isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import type { SqlPart } from '../files/migration.ts'
import { raisedState } from '../ledger/guards.ts'
import type { Journal } from '../ledger/read.ts'
import { type Limits, resetRole, resetSession, setLimits } from '../postgres/limits.ts'
import type { Session } from '../postgres/session.ts'
import type { Run } from '../run/run.ts'
import { wholeText } from '../sql/packets.ts'
import type { Statement } from '../sql/parse.ts'
import type { Step } from '../sql/step.ts'
import { type Aftermath, explainFailure } from './failure.ts'
import { clearAfter, clearBefore, indexesBefore, type Remains } from './leftovers.ts'
import type { Position } from './step-progress.ts'
import { sendStretch } from './transaction.ts'

export interface OneStep {
  readonly run: Run
  readonly name: string
  readonly part: SqlPart
  readonly position: Position & { readonly step: Step }
  /** Of the migration's row, as it was just read. */
  readonly journal: Journal | null
  readonly limits: Limits
  /** What became of the migration, should this step fail. */
  readonly aftermath: Aftermath
}

/** Runs a step and journals it. */
export async function runStep(one: OneStep): Promise<void> {
  const { step, number, checksum } = one.position
  const begun = one.journal?.started
  // a step that was begun and then corrected in the file is another one
  const started = begun?.step === number && begun.checksum === checksum ? begun : undefined
  if (step.mode === 'transaction' && !started) return runInTransaction(one)
  return runOutsideTransaction(one, started)
}

async function runInTransaction({ run, name, part, position, limits, aftermath }: OneStep): Promise<void> {
  const { step, done, doneAfter } = position
  const settings = step.settings.map(({ text }) => `${text}\n;`)
  await sendStretch(run, name, part, step, {
    transaction: run.ledger.transaction({
      modes: step.begin,
      limits,
      guard: run.ledger.guards.isAt(name, done),
      afterGuard: [...settings, ...(step.rolledBack ? ['savepoint schemagate_block;'] : [])],
      behind: step.rolledBack ? 'rollback to savepoint schemagate_block;' : '',
      reset: true,
    }),
    change: run.ledger.change.stepDone(name, doneAfter),
    aftermath,
  })
}

/** A statement that commits by itself: announced in the journal before, so that the next run knows what to look for. */
async function runOutsideTransaction(one: OneStep, started: Journal['started']): Promise<void> {
  const { run, name, part, position, limits, aftermath } = one
  const { step, number, done, doneAfter, checksum } = position
  const { session, ledger } = run
  const { statement } = step
  const sql = wholeText(part.source, step)
  // a local setting has no transaction here in which it would hold
  const settings = step.settings.map(({ session: text }) => `${text}\n;`).join('')
  let mark = started
  let ran = false
  let completed = false
  await session.script(`${setLimits(session, limits, false).join('')}${settings}`).done
  try {
    const leftovers = statement ? await clearBefore(session, statement.node, started) : { done: false }
    if (leftovers.message) run.log.info({ event: 'leftovers', migration: name }, `${name}: ${leftovers.message}`)
    if (!leftovers.done) {
      const indexes = started?.indexes ?? (statement && (await indexesBefore(session, statement.node)))
      mark = { step: number, statements: step.first, checksum, ...(indexes && { indexes }) }
      const guard = ledger.guards.isAt(name, done)
      await ledger.write([ledger.change.stepStarted(name, mark)], { beforeGuard: [resetRole], guard })
      if (settings) await session.script(settings).done
      ran = true
      run.progress.sent = { text: sql }
      await session.script(sql).done
      completed = true
    }
    await ledger.record([ledger.change.stepDone(name, doneAfter)], { beforeGuard: [resetSession(session)] })
  } catch (error) {
    if (run.signal.aborted || isConnectionLoss(error)) throw error
    await session.rollback()
    if (raisedState(error)) throw error
    // what was there before it ran is for the next attempt, and so is what it did, where only the journal failed
    const remains: Remains =
      ran && !completed ? await clearRemains(session, statement, mark) : { stays: completed || started !== undefined }
    const journal = remains.stays ? [] : [ledger.change.stepFailed(name)]
    await ledger.record(journal, { beforeGuard: [resetSession(session)] })
    if (remains.message) {
      const level = remains.stays ? 'warn' : 'info'
      const more = remains.stays ? '; the next attempt goes on from there' : ''
      run.log[level]({ event: 'leftovers', migration: name }, `${name}: ${remains.message}${more}`)
    }
    const failed = { error, text: sql, sqlStart: 0, sqlLength: sql.length, fileOffset: step.start, completed: 0 }
    throw await explainFailure(name, part, failed, aftermath)
  }
}

/** Clears away what a statement left that failed; what is still in use cannot be. */
async function clearRemains(
  session: Session,
  statement: Statement | undefined,
  mark: Journal['started'],
): Promise<Remains> {
  if (!statement) return { stays: false }
  try {
    return await clearAfter(session, statement.node, mark)
  } catch (error) {
    if (isConnectionLoss(error)) throw error
    return { stays: true, message: `what it left behind is still in use (${error})` }
  }
}
