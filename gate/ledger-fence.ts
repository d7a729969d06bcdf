// The fence: an open gate holds the ledger's table, so that it cannot be dropped or restored over before the gate has closed.

import { type AwaitedRow, awaitedSql, LEDGER_LOCKED, NO_LEDGER_STATES, sqlState } from './ledger-query.ts'
import type { Verdict } from './protocol/compatibility.ts'
import { ledgerTable } from './protocol/ledger.ts'
import type { Queryable } from './schema-reader.ts'

/** The verdict while another session has the ledger's table locked, or waits for it. */
export const LOCKED: Verdict = {
  state: 'migrating',
  detail: 'The ledger itself is being changed, dropped or restored: its table is locked.',
}

export class LedgerFence {
  readonly #awaitedSql: string
  readonly #holdSql: string

  constructor(schema: string) {
    this.#awaitedSql = awaitedSql(schema)
    // Read committed, so that every query sees the newest commits. Access share, so that only DROP, TRUNCATE and ALTER
    // TABLE have to wait.
    this.#holdSql = `begin isolation level read committed read only; lock table ${ledgerTable(schema)} in access share mode`
  }

  /**
   * Begins a transaction that keeps the ledger's table in place until `release`. `renew` ends an open one first; without
   * one the server would log a warning. False when there is no table to hold, or it is locked: the next query says which.
   */
  async hold(session: Queryable, { renew = false } = {}): Promise<boolean> {
    try {
      await session.query(renew ? `rollback; ${this.#holdSql}` : this.#holdSql)
      return true
    } catch (error) {
      const code = sqlState(error)
      await this.release(session)
      if (code === LEDGER_LOCKED || (code !== undefined && NO_LEDGER_STATES.has(code))) return false
      throw error
    }
  }

  async release(session: Queryable): Promise<void> {
    await session.query('rollback')
  }

  /** Does another session wait for the ledger's table? */
  async isAwaited(session: Queryable): Promise<boolean> {
    const [row] = await session.query<AwaitedRow>(this.#awaitedSql)
    return row?.awaited ?? false
  }
}
