// The fence: an open gate holds the ledger's table, so that it cannot be dropped or restored over before the gate has closed.

import { performance } from 'node:perf_hooks'
import { missingTableCodes, sqlstate } from '../postgres/sqlstate.ts'
import type { Verdict } from '../protocol/compatibility.ts'
import { ledgerTable } from '../protocol/ledger.ts'
import { sqlState } from './ledger-query.ts'
import type { Queryable } from './queryable.ts'

/** The verdict while another session has the ledger's table locked, or waits for it. */
export const LOCKED: Verdict = {
  state: 'migrating',
  detail: 'The ledger itself is being changed, dropped or restored: its table is locked.',
}

/**
 * A statement that has the server take notice of what others have done to schemas and tables. In a transaction it does so
 * only when a lock is taken that the transaction does not have: without this the table that is held is read by its former
 * name. The size is of no interest; asking takes the lock of a table that nothing else here uses, and gives it back.
 * https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/storage/lmgr/lmgr.c (LockRelationOid)
 */
const noticeChanges = "select pg_catalog.pg_relation_size('pg_catalog.pg_am'::pg_catalog.regclass)"

/** The session that holds the ledger. */
interface Holding extends Queryable {
  repeat<Row extends object>(text: string, first?: string): Promise<Row[]>
}

/** One gate's. It is held on one session at a time, which the gate passes. */
export class LedgerFence {
  readonly #holdSql: string
  #heldSince: number | undefined
  #askedAt = 0

  constructor(schema: string) {
    // Read committed, so that every query sees the newest commits. Access share, so that only DROP, TRUNCATE and ALTER
    // TABLE have to wait.
    this.#holdSql = `begin isolation level read committed read only; lock table ${ledgerTable(schema)} in access share mode`
  }

  /** How long its transaction has been open, in milliseconds; undefined without one. */
  get heldFor(): number | undefined {
    return this.#heldSince === undefined ? undefined : performance.now() - this.#heldSince
  }

  /** For how long its session has been asked nothing, in milliseconds. The server ends one that is asked nothing for long. */
  get unaskedFor(): number {
    return performance.now() - this.#askedAt
  }

  /** Its session is asked something. */
  asked(): void {
    this.#askedAt = performance.now()
  }

  /**
   * Begins a transaction that keeps the ledger's table in place until `release`, and ends an open one first. False when there
   * is no table to hold, or it is locked: the next query says which.
   */
  async hold(session: Queryable): Promise<boolean> {
    // without an open one the server would log a warning
    const sql = this.#heldSince === undefined ? this.#holdSql : `rollback; ${this.#holdSql}`
    this.asked()
    this.#heldSince = undefined
    try {
      await session.query(sql)
      this.#heldSince = performance.now()
      return true
    } catch (error) {
      const code = sqlState(error)
      await this.release(session)
      if (code === sqlstate.lockNotAvailable || (code !== undefined && missingTableCodes.has(code))) return false
      throw error
    }
  }

  /** The session that holds it, for a reader: a table that was renamed is not read as if it were still there. */
  readerOf(session: Holding): Queryable {
    return {
      query: text => session.query(text),
      repeat: async <Row extends object>(text: string) => {
        try {
          return await session.repeat<Row>(text, noticeChanges)
        } catch (error) {
          // a transaction that has failed would refuse what is asked next
          if (sqlState(error) !== undefined && this.#heldSince !== undefined) await session.query('rollback; begin')
          throw error
        }
      },
    }
  }

  /** The server's patience with an idle transaction begins again. */
  async keepAlive(session: Queryable): Promise<void> {
    this.asked()
    await session.query('select 1')
  }

  async release(session: Queryable): Promise<void> {
    this.lost()
    await session.query('rollback')
  }

  /** Its session is gone. */
  lost(): void {
    this.#heldSince = undefined
  }
}
