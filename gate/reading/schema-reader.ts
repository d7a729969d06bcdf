// What a gate reads a database's schema by: the ledger, or the history of the tool that is followed.

import type { Verdict } from '../protocol/compatibility.ts'
import type { LedgerFence } from './ledger-fence.ts'
import type { Queryable } from './queryable.ts'

/** The verdict, and the newest migration that the database has applied; undefined while that is unknown. */
export interface Reading {
  readonly verdict: Verdict
  readonly databaseHead: string | null | undefined
  /** Equal versions mean that nothing has changed; undefined where the table could not be read. */
  readonly version?: string | undefined
  /** The answer to `also`, which was asked in the same query; undefined where there is none. */
  readonly also?: string | undefined
}

/** Reads what one manifest is compared with. It remembers what it has read, and asks less when nothing has changed. */
export interface SchemaReader {
  /**
   * Queries the database.
   * @param also an SQL expression of type text, to be answered with it.
   * @throws any error that does not mean a missing or locked table: no permission, a lost connection.
   */
  read(session: Queryable, also: string): Promise<Reading>
  /** The gate's sessions have ended: the server may have crashed, and lost what was read. */
  sessionsEnded(): void
  /** Keeps the table in place while the gate is open; undefined for a table that is not schemagate's to hold. */
  readonly fence: LedgerFence | undefined
}
