// Runs one part of a migration that is SQL: whole, or in steps where it was begun so, or where the server wants it.

import { needsSteps, ownState } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { raisedState } from '../ledger/guards.ts'
import type { Limits } from '../postgres/limits.ts'
import type { Run } from '../run/run.ts'
import type { Plan } from '../sql/steps.ts'
import { planPart } from './planning.ts'
import { type Direction, StepsRun } from './run-steps.ts'
import type { SentAhead } from './sent-ahead.ts'
import { divisionAt } from './step-progress.ts'
import { applyTransaction, causeCode, causeOf, revertTransaction } from './transaction.ts'

/** One part on its way; how it came to be run is kept over attempts. */
export class SqlRun {
  readonly #run: Run
  readonly #migration: Migration
  readonly #part: SqlPart
  readonly #direction: Direction
  readonly #limits: Limits
  readonly #sentAhead: SentAhead | undefined
  #steps: StepsRun | undefined

  /** @param sentAhead what may have been sent already; for `up`, whose migrations follow one another. */
  constructor(
    run: Run,
    migration: Migration,
    part: SqlPart,
    direction: Direction,
    limits: Limits,
    sentAhead?: SentAhead,
  ) {
    this.#run = run
    this.#migration = migration
    this.#part = part
    this.#direction = direction
    this.#limits = limits
    this.#sentAhead = sentAhead
  }

  /** Runs what commits next: all of it, or a step. True once the ledger says that it is done. */
  async advance(): Promise<boolean> {
    if (this.#steps) return this.#steps.advance()
    const plan = await planPart(this.#part)
    if (plan.transaction) return this.#whole(plan)
    this.#steps = this.#inSteps()
    return false
  }

  /** It has failed for good: if nothing of it is done, the ledger forgets that it was begun. */
  async abandonAfter(error: unknown): Promise<void> {
    await this.#steps?.abandonAfter(error)
  }

  async #whole(plan: Extract<Plan, { transaction: true }>): Promise<boolean> {
    const whole = { migration: this.#migration, part: this.#part, plan }
    try {
      if (this.#direction === 'down') await revertTransaction(this.#run, whole, this.#limits)
      else
        await applyTransaction(this.#run, whole, this.#limits, {
          onSent: await this.#sentAhead?.behind(this.#migration),
          sent: this.#sentAhead?.take(this.#migration),
        })
      return true
    } catch (error) {
      this.#sentAhead?.drop()
      if (this.#run.ledger.leavesProcedures(causeOf(error))) return false
      const code = causeCode(error)
      const raised = raisedState(error)
      if (raised === ownState.outOfTurn) return false
      // how it was begun, by whichever run, decides how it goes on
      if (raised === ownState.begunInSteps) {
        this.#steps = this.#inSteps()
        return false
      }
      if (plan.wrapped || code === undefined || !needsSteps.has(code)) throw error
      if (!(error instanceof MigrationFailedError) || error.statement === undefined) throw error
      const division = divisionAt(this.#part, plan, error.statement, code)
      if (!division) throw error
      this.#steps = this.#inSteps(new Map([[division.index, division.where]]))
      const { name } = this.#migration
      this.#run.log.info(
        { event: 'steps', migration: name, code },
        `${name} cannot run in one transaction (${code}); it was rolled back and is run step by step`,
      )
      return false
    }
  }

  #inSteps(divisions?: ReadonlyMap<number, 'before' | 'alone'>): StepsRun {
    return new StepsRun(this.#run, this.#migration, this.#part, this.#direction, this.#limits, divisions)
  }
}
