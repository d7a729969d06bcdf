// A run's own record in the ledger's table `runs`: begun under the run lock, ended with what came of it.

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import { now } from '../clock.ts'
import { exitCodes, MigrationFailedError } from '../errors.ts'
import { type Change, statementsOnly } from '../ledger/changes.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { LedgerContents } from '../ledger/read.ts'
import { markInterrupted, recordRun } from '../ledger/runs.ts'
import { LedgerTransaction } from '../ledger/transaction.ts'
import { resetSession } from '../postgres/limits.ts'
import type { Session } from '../postgres/session.ts'
import { version } from '../version.ts'
import type { Engine } from './engine.ts'
import { asSchemagateError, outcomeOf, type Results } from './result.ts'

/** One run's row, of which the run itself decides nothing: where it cannot be written, the run goes on without. */
export class RunRecord {
  readonly id: string
  readonly #engine: Engine
  readonly #command: string
  readonly #results: Results | undefined
  readonly #started = now()
  /** The database has the table. */
  #hasTable = false
  #ended = false

  /** @param results of a run that applies or reverts migrations. */
  constructor(engine: Engine, command: string, results?: Results) {
    this.#engine = engine
    this.#command = command
    this.id = results?.runId ?? randomUUID()
    this.#results = results
  }

  /** The ledger was read: a run that is refused before it begins can be recorded in it. */
  found({ condition }: LedgerContents): void {
    this.#hasTable = condition?.tables.has('runs') === true
  }

  /** It works now; what others left without an end was interrupted. */
  begin(): Change {
    this.#ended = false
    return statementsOnly(markInterrupted(this.#engine.settings.schema, this.id) + this.#row('running'))
  }

  /** The transaction of {@link begin} is committed. */
  hasBegun(): void {
    this.#hasTable = true
  }

  /** It ended well; for the transaction of its last change. */
  end(): Change {
    this.#ended = true
    const outcome = this.#results ? outcomeOf(this.#results, undefined, this.#engine.signal) : 'done'
    return statementsOnly(this.#row(outcome, exitCodes.done))
  }

  /** The same, for a run whose last change did not say it. */
  async endAfter(ledger: Ledger): Promise<void> {
    if (!this.#ended) await ledger.record([this.end()])
  }

  /** Does the run's work, and records it if it fails. */
  async during<T>(session: Session, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      await this.#fail(session, error)
      throw error
    }
  }

  /** It failed; written on whatever is left of the session, and never a failure of its own. */
  async #fail(session: Session, thrown: unknown): Promise<void> {
    const { log, signal, redact } = this.#engine
    if (!this.#hasTable) return
    this.#hasTable = false
    const error = asSchemagateError(thrown, signal)
    const text = error?.message ?? (thrown instanceof Error ? thrown.message : String(thrown))
    const outcome = error ? outcomeOf(this.#results, error, signal) : 'failed'
    const row = this.#row(outcome, error?.exitCode ?? exitCodes.bug, redact(text))
    try {
      // waits for a statement that was cancelled: only then is it known whether its transaction is open
      await session.query('').catch(async (lost: unknown) => {
        // the server is there where it is a migration that has failed: it lost its connection again and again
        if (!(error instanceof MigrationFailedError) || !isConnectionLoss(lost)) throw lost
        await session.reconnect({ writable: true })
      })
      await session.rollback()
      const beforeGuard = [resetSession(session), "set local lock_timeout = '500ms';"]
      await new LedgerTransaction(session, { beforeGuard }).commit([statementsOnly(row)]).done
    } catch (failure) {
      log.debug({ err: failure }, 'the end of this run could not be recorded; the next run marks it as interrupted')
    }
  }

  #row(outcome: string, exitCode?: number, error?: string): string {
    return recordRun(this.#engine.settings.schema, {
      id: this.id,
      command: this.#command,
      elapsedMs: Math.round(now() - this.#started),
      host: hostname(),
      toolVersion: version,
      outcome,
      applied: this.#results?.count('applied') ?? 0,
      ...(exitCode !== undefined && { exitCode }),
      ...(error !== undefined && { error }),
    })
  }
}
