// Reads the ledger over a session and compares it with the manifest, again only after it has changed.

import { lookAround } from './histories/index.ts'
import {
  type AnswerRow,
  type AwaitedRow,
  awaitedSql,
  LEDGER_LOCKED,
  ledgerSql,
  NO_LEDGER,
  NO_LEDGER_STATES,
  readAnswer,
  sqlState,
} from './ledger-query.ts'
import { judge, type Verdict } from './protocol/compatibility.ts'
import { type LedgerRow, ledgerTable } from './protocol/ledger.ts'
import type { LedgerManifest } from './protocol/manifest.ts'

/** Anything that takes a query: a session, or an app's own connection that is to be verified. */
export interface Queryable {
  query<Row extends object>(text: string): Promise<Row[]>
}

/** The verdict, and the newest migration that the database has applied; undefined while that is unknown. */
export interface Reading {
  readonly verdict: Verdict
  readonly databaseHead: string | null | undefined
  /** Which server answered; undefined where the ledger could not be read. */
  readonly server?: string
}

/** The verdict while another session has the ledger's table locked, or waits for it. */
export const LOCKED: Verdict = {
  state: 'migrating',
  detail: 'The ledger itself is being changed, dropped or restored: its table is locked.',
}

/**
 * The verdict on a ledger without its primary key. A restore in several transactions drops the keys of all tables before
 * the tables, and adds them after the rows: in between the rows say nothing about the schema.
 */
const INCOMPLETE: Verdict = {
  state: 'migrating',
  detail: 'The ledger has no primary key: it is being restored, or was restored in part and has to be restored again.',
}

/** Rows that are missing may only be hidden: to this role, an empty ledger looks the same. */
function mayBeHidden(verdict: Verdict, schema: string): Verdict {
  if (verdict.missing === undefined) return verdict
  const detail =
    `Row level security on the ledger hides rows from this app's role (alter table ${ledgerTable(schema)} disable row level security, ` +
    `or run schemagate up). What it sees: ${verdict.detail}`
  return { ...verdict, detail }
}

/** Reads the ledger in one schema for one manifest. */
export class Reader {
  readonly #manifest: LedgerManifest
  readonly #schema: string
  readonly #awaitedSql: string
  readonly #holdSql: string
  /** The last ledger that was compared. */
  #seen: { readonly digest: string; readonly reading: Reading }

  constructor(manifest: LedgerManifest, schema: string) {
    this.#manifest = manifest
    this.#schema = schema
    this.#awaitedSql = awaitedSql(schema)
    // Read committed, so that every query sees the newest commits. Access share, so that only DROP, TRUNCATE and ALTER
    // TABLE have to wait.
    this.#holdSql = `begin isolation level read committed read only; lock table ${ledgerTable(schema)} in access share mode`
    this.#seen = { digest: '', reading: { verdict: judge(manifest, null), databaseHead: null } }
  }

  /** Queries the ledger. @throws any error that does not mean a missing or locked ledger: no permission, a lost connection. */
  async read(session: Queryable): Promise<Reading> {
    // Queries over several connections, perhaps to several databases, may run at once: "nothing has changed" refers to
    // what was known when this one was sent.
    const seen = this.#seen
    try {
      const [row] = await session.query<AnswerRow>(ledgerSql(this.#schema, seen.digest))
      const { digest, rows, hidden, server } = readAnswer(row)
      if (row?.whole === false) return { verdict: INCOMPLETE, databaseHead: undefined, server }
      const reading = rows === undefined ? seen.reading : this.#judge(digest, rows)
      const { verdict } = reading
      return {
        ...reading,
        verdict: hidden ? mayBeHidden(verdict, this.#schema) : await this.#foreign(session, verdict),
        server,
      }
    } catch (error) {
      const code = sqlState(error)
      if (code === LEDGER_LOCKED) return { verdict: LOCKED, databaseHead: undefined }
      if (code === undefined || !NO_LEDGER_STATES.has(code)) throw error
      const reading = this.#judge(NO_LEDGER.digest, NO_LEDGER.rows)
      return { ...reading, verdict: await this.#foreign(session, reading.verdict) }
    }
  }

  /** Where nothing is applied: has another tool migrated the database? Its rows may not be for this role to read. */
  async #foreign(session: Queryable, verdict: Verdict): Promise<Verdict> {
    if (verdict.state !== 'unmigrated') return verdict
    const found = await lookAround(session, this.#schema)
    // another ledger may be a copy of this one, on its way back
    const histories = found.histories.filter(({ tool }) => tool.name !== 'schemagate')
    if (histories.length === 0) return verdict
    const tools = histories.map(({ tool, schema, table }) => `${tool.title} (${schema}.${table})`).join(' and ')
    const detail = `The ledger is empty, and the database has the history of ${tools}: take it over (schemagate adopt).`
    return { ...verdict, state: 'foreign', detail }
  }

  /**
   * Begins a transaction that keeps the ledger's table in place until `release`. `renew` ends an open one first; without
   * one the server would log a warning. False when there is no table to hold, or it is locked: the next `read` says which.
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

  #judge(digest: string, rows: readonly LedgerRow[] | null): Reading {
    const applied = (rows ?? []).filter(row => row.state === 'applied' && row.kind !== 'repeatable')
    const reading = { verdict: judge(this.#manifest, rows), databaseHead: applied.at(-1)?.name ?? null }
    this.#seen = { digest, reading }
    return reading
  }
}
