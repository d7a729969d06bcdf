// A migration that cannot run in one transaction: step by step, each journalled in the ledger, so that the next run
// goes on where this one was stopped.

import { isConnectionLoss, needsSteps, ownState } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError, TableLockError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { noteRaised } from '../ledger/guards.ts'
import { progressOf } from '../ledger/journal.ts'
import type { LedgerRow } from '../ledger/read.ts'
import { type Limits, resetSession } from '../postgres/limits.ts'
import { refuseBehindPooler } from '../run/pooler.ts'
import type { Run } from '../run/run.ts'
import { PlanError, type Step } from '../sql/step.ts'
import type { Divisions } from '../sql/steps.ts'
import type { Aftermath } from './failure.ts'
import { refusedPlan } from './planning.ts'
import { runStep } from './run-step.ts'
import { Course, type Position } from './step-progress.ts'
import { causeCode } from './transaction.ts'

export type Direction = 'up' | 'down'

/** One part that is run step by step. Steps that an earlier run has done are not done again. */
export class StepsRun {
  readonly #run: Run
  readonly #migration: Migration
  readonly #part: SqlPart
  readonly #direction: Direction
  readonly #limits: Limits
  readonly #course: Course
  /** Its row says that it is under way. */
  #begun = false
  /** How many steps were done when the last one was begun. */
  #done: number | undefined

  constructor(
    run: Run,
    migration: Migration,
    part: SqlPart,
    direction: Direction,
    limits: Limits,
    divisions?: Divisions,
  ) {
    this.#run = run
    this.#migration = migration
    this.#part = part
    this.#direction = direction
    this.#limits = { ...limits, asynchronous: false }
    this.#course = new Course(migration, part, divisions)
  }

  /** Begins it, runs its next step, or ends it; by what its row says. True once it has ended. */
  async advance(): Promise<boolean> {
    const { name } = this.#migration
    refuseBehindPooler(this.#run, name)
    const row = await this.#run.ledger.row(name)
    if (!this.#begun) return this.#begin(row)
    if (!isUnderWay(row, this.#direction)) throw new FinishedElsewhereError(name)
    const position = await this.#course.at(row.journal).catch(error => {
      this.#done = progressOf(row.journal).steps
      throw error instanceof PlanError ? this.#indivisible(error, this.#done) : error
    })
    this.#run.signal.throwIfAborted()
    if (position.step) await this.#runStep(row, { ...position, step: position.step })
    else await this.#end()
    return !position.step
  }

  /** It has failed for good. With nothing done it is as if it had never been begun. */
  async abandonAfter(error: unknown): Promise<void> {
    const { ledger, signal } = this.#run
    const failed = error instanceof MigrationFailedError || error instanceof TableLockError
    if (this.#done !== 0 || !failed || signal.aborted) return
    const { name } = this.#migration
    const undone = this.#direction === 'up' ? ledger.change.abandoned(name) : ledger.change.notReverted(name)
    // with the connection lost, the row stays: nothing of it is done, and the next run begins it
    await ledger.record([undone]).catch((lost: unknown) => {
      if (!isConnectionLoss(lost)) throw lost
    })
  }

  async #begin(row: LedgerRow | undefined): Promise<boolean> {
    const { ledger } = this.#run
    const { name, checksum, kind, marks } = this.#migration
    const begun = isUnderWay(row, this.#direction) ? row : undefined
    // what is wrong with the file is reported before anything is done
    await this.#course.at(begun?.journal ?? null).catch(error => {
      throw error instanceof PlanError ? refusedPlan(this.#part, error) : error
    })
    if (this.#direction === 'down') {
      if (!begun) await ledger.write([ledger.change.reverting(name)], { guard: ledger.guards.hasRow(name) })
    } else if (!begun) {
      const guard = ledger.guards.notApplied(name, kind === 'repeatable' ? checksum : undefined)
      await ledger.write([ledger.change.running({ name, checksum, kind, breaking: marks.breaking })], { guard })
    } else if (begun.checksum !== checksum) await ledger.write([ledger.change.newContent(name, checksum)])
    this.#begun = true
    return false
  }

  async #runStep(row: LedgerRow, position: Position & { readonly step: Step }): Promise<void> {
    const { number, total, step } = position
    this.#done = number
    this.#run.progress.step = { number: number + 1, of: total }
    try {
      await runStep({
        run: this.#run,
        name: this.#migration.name,
        part: this.#part,
        position,
        journal: row.journal,
        limits: this.#limits,
        aftermath: this.#aftermath(number, total),
      })
    } catch (error) {
      // only the catalogue, or the body of a procedure that commits, tells that this cannot be in one transaction
      const code = causeCode(error)
      const divided =
        error instanceof MigrationFailedError &&
        code !== undefined &&
        needsSteps.has(code) &&
        step.mode === 'transaction' &&
        this.#course.divide(step, error.statement, code)
      if (!divided) throw error
    }
  }

  async #end(): Promise<void> {
    const { ledger, session } = this.#run
    const { name, checksum } = this.#migration
    this.#done = undefined
    const end = this.#direction === 'up' ? ledger.change.finished(name, checksum) : ledger.change.reverted(name)
    await ledger.record([end], { beforeGuard: [resetSession(session)], discard: true })
  }

  /** Only while it ran it turned out that it has to be divided where it cannot be. */
  #indivisible(error: PlanError, done: number): MigrationFailedError {
    const { message, place } = refusedPlan(this.#part, error)
    const { name } = this.#migration
    const { text, again } = this.#aftermath(done, done + 1)
    return new MigrationFailedError(name, `${name} failed: ${message}\n${text} Then run \`${again}\` again.`, { place })
  }

  #aftermath(done: number, total: number): Aftermath {
    const { name } = this.#migration
    const isUp = this.#direction === 'up'
    const again = isUp ? 'schemagate up' : 'schemagate down --yes'
    return done === 0
      ? { text: `Nothing of ${name} was ${isUp ? 'applied' : 'reverted'}.`, again }
      : {
          text: `The first ${done} of ${total} steps of ${name} are done and stay; the next run goes on at step ${done + 1}.`,
          again,
        }
  }
}

/** While the connection was lost, another migrator took the lock, and has finished what was begun. */
class FinishedElsewhereError extends Error {
  readonly code = ownState.alreadyApplied

  constructor(name: string) {
    super(`another migrator has finished ${name}`)
    noteRaised(this)
  }
}

function isUnderWay(row: LedgerRow | undefined, direction: Direction): row is LedgerRow {
  return row?.state === 'running' && (row.journal?.reverting === true) === (direction === 'down')
}
