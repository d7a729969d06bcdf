// The ledger as one run sees it: reads it and writes it, and remembers both, to notice a server that lacks them later.

import type { QueryResultRow } from 'pg'
import type { Migration } from '../files/migration.ts'
import type { Session } from '../postgres/session.ts'
import { type Change, Changes, statementsOnly } from './changes.ts'
import { Expectations } from './expectations.ts'
import { Guards } from './guards.ts'
import { type OneMigration, Procedures, type ProceduresFound } from './procedures.ts'
import { type LedgerContents, type LedgerRow, readLedger, readRow } from './read.ts'
import { type Around, LedgerTransaction } from './transaction.ts'

export interface LedgerOptions {
  readonly session: Session
  readonly schema: string
  readonly runId: string
  readonly toolVersion: string
  /** The run lock: `guard` is PL/pgSQL that makes sure of it for one transaction, or raises `lockBusy`. */
  readonly lock: { readonly guard: string; readonly hasKey: boolean; readonly guardWithKey: string }
}

/**
 * A change is a transaction that first makes sure of the run lock:
 *
 *     await ledger.write([ledger.change.running(row), ledger.change.notified(event)])
 *
 * A migration's own SQL runs inside of such a transaction, in one message with the change or in several:
 *
 *     const transaction = ledger.transactionOf({ name }, around)
 *     await transaction.commit([ledger.change.applied(row)], sql).done
 */
export class Ledger {
  readonly change: Changes
  readonly guards: Guards
  readonly #options: LedgerOptions
  #hasLeftProcedures = false
  readonly #expectations = new Expectations()

  constructor(options: LedgerOptions) {
    const { schema, runId, toolVersion } = options
    this.#options = options
    this.change = new Changes(schema, runId, toolVersion)
    this.guards = new Guards(schema)
  }

  get schema(): string {
    return this.#options.schema
  }

  /** All rows, in the order applied. Errors as {@link readLedger}. */
  async read(): Promise<LedgerContents> {
    const contents = await readLedger(this.#options.session, this.schema)
    if (contents.rows) this.#expectations.read(contents.rows)
    return contents
  }

  /** A migration's row; undefined if it has none. */
  async row(name: string): Promise<LedgerRow | undefined> {
    const row = await readRow(this.#options.session, this.schema, name)
    this.#expectations.readRow(name, row)
    return row
  }

  /** Makes changes, in a transaction of their own: one message. */
  async write(changes: readonly Change[], around: Around = {}): Promise<void> {
    await this.transaction(around).commit(changes).done
  }

  /**
   * The same for what is done already and cannot be rolled back, as a step that commits by itself: it is recorded even
   * where another migrator is in the way for a moment, since the alternative is to do it twice.
   */
  async record(changes: readonly Change[], around: Omit<Around, 'guard'> = {}): Promise<void> {
    await new LedgerTransaction(this.#options.session, around, this.#expectations).commit(changes).done
  }

  /** A transaction that makes sure of the run lock, then of its own guard. */
  transaction(around: Around = {}): LedgerTransaction {
    const guard = `${this.#options.lock.guard}${around.guard ?? ''}`
    return new LedgerTransaction(this.#options.session, { ...around, guard }, this.#expectations)
  }

  /**
   * The statements of a guard for what is the newest: another migrator, which behind a pooler may come between two transactions,
   * has applied nothing since. Empty where the session holds the run lock.
   */
  get nothingNew(): string {
    return this.#options.session.pooled ? this.guards.hasOnly(this.#expectations.names) : ''
  }

  /** A migration's transaction may be sent before the one in front of it has ended. */
  get canSendAhead(): boolean {
    return this.change.procedures !== undefined && this.#options.lock.hasKey
  }

  /** The transaction of a whole migration: one that is neither applied (with this content) nor begun in steps. */
  transactionOf(migration: OneMigration, around: Around): LedgerTransaction {
    const { session, lock, runId } = this.#options
    const { procedures } = this.change
    const { name, content } = migration
    if (!procedures || !lock.hasKey)
      return this.transaction({
        ...around,
        guard: this.guards.notBegun(name, content) + (around.guard ?? ''),
      })
    const beforeGuard = [procedures.beginMigration(migration, runId)]
    return new LedgerTransaction(session, { ...around, beforeGuard }, this.#expectations)
  }

  /**
   * Has the server keep what stands around each migration. It is made in any case, so that a database looks the same however it
   * was migrated.
   */
  async useProcedures(): Promise<void> {
    const { session, schema, lock } = this.#options
    this.change.procedures = undefined
    this.#hasLeftProcedures = false
    const procedures = new Procedures(schema, lock.guardWithKey)
    const look = async () => (await session.query<ProceduresFound & QueryResultRow>(procedures.found)).rows[0]!
    const { ready, present } = await look()
    if (!ready)
      await this.write([statementsOnly(procedures.ddl(present))]).catch(async error => {
        // behind a pooler another migrator may have made them since
        if (!(await look()).ready) throw error
      })
    if (lock.hasKey) this.change.procedures = procedures
  }

  /** True if this error came of a procedure that was dropped, or lost with a primary: the next attempt does without. */
  leavesProcedures(error: unknown): boolean {
    if (!this.change.procedures?.isMissing(error)) return false
    this.change.procedures = undefined
    this.#hasLeftProcedures = true
    return true
  }

  /** They are to be made again. */
  get hasLeftProcedures(): boolean {
    return this.#hasLeftProcedures
  }

  /**
   * Umzug's storage: the files that are applied, repeatable ones with their present content. What a migration's transaction
   * has written counts at once, so that there is nothing left to log in a second step, between which and the first a crash
   * would leave a migration applied and not recorded.
   */
  async executed({ context }: { readonly context: { readonly files: readonly Migration[] } }): Promise<string[]> {
    return context.files.filter(file => this.#expectations.isApplied(file)).map(({ name }) => name)
  }

  async logMigration({ name }: { readonly name: string }): Promise<void> {
    if (!this.#expectations.hasRow(name)) throw new Error(`${name} has run, and the ledger does not have it`)
  }

  async unlogMigration({ name }: { readonly name: string }): Promise<void> {
    if (this.#expectations.hasRow(name)) throw new Error(`${name} is reverted, and the ledger still has it`)
  }

  /** Its tables are there: this run has made them, or found them. */
  made(): void {
    this.#expectations.made()
  }

  /**
   * After the connection was lost: is all that this run has read or committed still there?
   * @throws LostCommitsError
   */
  async requireCommitted(): Promise<void> {
    const { rows } = await readLedger(this.#options.session, this.schema)
    this.#expectations.require(rows)
  }
}
