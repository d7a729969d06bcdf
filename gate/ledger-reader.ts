// The reader: looks at the ledger over a session and says what the window says, judging anew only what has changed.

import {
  type AwaitedRow,
  awaitedSql,
  LEDGER_LOCKED,
  type LookRow,
  ledgerTable,
  lookSql,
  NO_LEDGER,
  NO_LEDGER_STATES,
  readLook,
  sqlState,
} from './ledger-query.ts'
import { judge, type LedgerRow, type Verdict } from './protocol/compatibility.ts'
import type { Manifest } from './protocol/manifest.ts'

/** Anything that takes a query: a session, or an app's own connection that is to be verified. */
export interface Queryable {
  query<Row extends object>(text: string): Promise<Row[]>
}

/** The window's verdict, and the newest migration that the database has applied; undefined while that is not known. */
export interface Reading {
  readonly verdict: Verdict
  readonly databaseHead: string | null | undefined
  /** Which server answered; undefined where the ledger could not be read. */
  readonly server?: string
}

/** The verdict while somebody has the ledger's table locked, or waits to. */
export const LOCKED: Verdict = {
  state: 'migrating',
  detail: 'The ledger itself is being changed, dropped or restored: its table is locked.',
}

/**
 * The verdict on a ledger without its primary key. A restore that is no single transaction takes the keys of all tables
 * away before the tables, and gives them back after the rows: in between the rows say nothing about the schema.
 */
const INCOMPLETE: Verdict = {
  state: 'migrating',
  detail: 'The ledger has no primary key: it is being restored, or was restored in part and has to be restored again.',
}

/** What is missing may be there: an empty ledger and one whose rows are hidden from this role look the same. */
function mayBeHidden(verdict: Verdict, schema: string): Verdict {
  if (verdict.missing === undefined) return verdict
  const detail =
    `Row level security on the ledger hides rows from this app's role (alter table ${ledgerTable(schema)} disable row level security, ` +
    `or run schemagate up). What it sees: ${verdict.detail}`
  return { ...verdict, detail }
}

/** Reads the ledger in one schema for one manifest. */
export class Reader {
  readonly #manifest: Manifest
  readonly #schema: string
  readonly #awaitedSql: string
  readonly #holdSql: string
  /** The last ledger that was judged. */
  #seen: { readonly digest: string; readonly reading: Reading }

  constructor(manifest: Manifest, schema: string) {
    this.#manifest = manifest
    this.#schema = schema
    this.#awaitedSql = awaitedSql(schema)
    // Read committed, so that every look sees what has been committed; access share, so that only a drop, a truncate or
    // a change of the table's form has to wait.
    this.#holdSql = `begin isolation level read committed read only; lock table ${ledgerTable(schema)} in access share mode`
    this.#seen = { digest: '', reading: { verdict: judge(manifest, null), databaseHead: null } }
  }

  /** Looks. @throws what is neither an answer nor a missing or locked ledger: no permission, a lost connection. */
  async read(session: Queryable): Promise<Reading> {
    // Looks over several connections, perhaps at several databases, may be under way at once: "nothing has changed" is
    // said of what this one had seen, not of what another has brought meanwhile.
    const seen = this.#seen
    try {
      const [row] = await session.query<LookRow>(lookSql(this.#schema, seen.digest))
      const { digest, rows, hidden, server } = readLook(row)
      if (row?.whole === false) return { verdict: INCOMPLETE, databaseHead: undefined, server }
      const reading = rows === undefined ? seen.reading : this.#judge(digest, rows)
      return { ...reading, verdict: hidden ? mayBeHidden(reading.verdict, this.#schema) : reading.verdict, server }
    } catch (error) {
      const code = sqlState(error)
      if (code === LEDGER_LOCKED) return { verdict: LOCKED, databaseHead: undefined }
      if (code === undefined || !NO_LEDGER_STATES.has(code)) throw error
      return this.#judge(NO_LEDGER.digest, NO_LEDGER.rows)
    }
  }

  /**
   * Begins a transaction that keeps the ledger's table in place until `release`. To renew one it must be said that it is
   * there: the server's log would tell of each rollback without a transaction. False when there is no table to hold, or
   * it is locked: the next `read` says which.
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

  /** Does someone wait for the ledger's table? */
  async isAwaited(session: Queryable): Promise<boolean> {
    const [row] = await session.query<AwaitedRow>(this.#awaitedSql)
    return row?.awaited ?? false
  }

  #judge(digest: string, rows: readonly LedgerRow[] | null): Reading {
    const applied = (rows ?? []).filter(row => row.state === 'applied' && row.kind !== 'repeatable')
    const reading = { verdict: judge(this.#manifest, rows), databaseHead: applied.at(-1)?.name ?? null }
    this.#seen = { digest, reading }
    return reading
  }
}
