// The one query with which a gate reads the ledger, and what its answers and errors mean.

import { escapeLiteral } from 'pg'
import { WrongServerError } from './postgres/hosts.ts'
import { HistoryUnreadableError } from './protocol/followed.ts'
import { type LedgerRow, ledgerColumns, ledgerTable } from './protocol/ledger.ts'

/** What the query found. `rows` is null when there is no ledger, undefined when nothing has changed. */
export interface Answer {
  /** Equal digests mean equal ledgers, as far as a gate reads them. */
  readonly digest: string
  readonly rows: readonly LedgerRow[] | null | undefined
}

/** The same for a ledger that was read. */
export interface FullAnswer extends Answer {
  readonly hidden: boolean
  readonly server: string
}

/** The answer for a database without a ledger. */
export const NO_LEDGER = { digest: 'no ledger', rows: null } as const satisfies Answer

/** The row that `ledgerSql` returns. */
export interface AnswerRow {
  readonly digest: string
  readonly rows: string | null
  /** The ledger's table has its primary key. */
  readonly whole: boolean
  /** Row level security holds for this role: rows may be there that it does not see. */
  readonly hidden: boolean
  /** Which server answered. */
  readonly server: string
}

/**
 * Tells servers apart: when the server process was started, in microseconds. Every role may read it. The system
 * identifier would not do: not every role may read it, and a standby shares it with its primary.
 */
export const serverExpression =
  '(extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000000)::pg_catalog.int8::text'

/**
 * The query, for a ledger in `schema`. It returns the rows only if they differ from the last answer, whose digest is
 * `seen`: an unchanged ledger costs 64 bytes, however many migrations there are.
 *
 * It takes no parameters, so that it is sent as a simple query: with the extended protocol the portal, and with it the
 * snapshot, would live on in the transaction of a gate that holds the ledger, and CREATE INDEX CONCURRENTLY would wait
 * for that transaction to end.
 */
export function ledgerSql(schema: string, seen: string): string {
  const ledger = ledgerTable(schema)
  const columns = ledgerColumns.join(', ')
  // The only part of the journal that matters here.
  const earlier = `case when pg_catalog.jsonb_typeof(journal) = 'object' then journal->'earlier' end`
  return `select digest, case when digest <> ${escapeLiteral(seen)} then (
  select coalesce(pg_catalog.json_agg(pg_catalog.row_to_json(l) order by position), '[]')::text
  from (select ${columns}, position, ${earlier} as earlier from ${ledger}) as l) end as rows,
  (select coalesce(pg_catalog.bool_or(indisprimary), false) from pg_catalog.pg_index
   where indrelid = pg_catalog.to_regclass(${escapeLiteral(ledger)})) as whole,
  pg_catalog.row_security_active(pg_catalog.to_regclass(${escapeLiteral(ledger)})) as hidden,
  ${serverExpression} as server
from (
  select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.string_agg(
    pg_catalog.concat_ws(E'\\n', ${columns}, position, ${earlier}), E'\\n' order by position
  ), ''), 'UTF8')), 'hex') as digest
  from ${ledger}
) as d`
}

/** The row that `awaitedSql` returns. */
export interface AwaitedRow {
  /** Another session waits for the ledger's table: to drop it, to restore over it, to change its columns. */
  readonly awaited: boolean
}

/** Does another session wait for the ledger? Only a role with rights on the table appears in `pg_locks` this way. Without parameters, as `ledgerSql`. */
export function awaitedSql(schema: string): string {
  return `select coalesce(pg_catalog.bool_or(not granted and mode = 'AccessExclusiveLock'), false) as awaited
from pg_catalog.pg_locks
where locktype = 'relation' and relation = pg_catalog.to_regclass(${escapeLiteral(ledgerTable(schema))})
  and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`
}

/** Reads the query's only row. @throws Error if there is none. */
export function readAnswer(row: AnswerRow | undefined): FullAnswer {
  if (row === undefined) throw new Error('the query of the ledger returned no row')
  const { digest, hidden, server } = row
  if (row.rows === null) return { digest, rows: undefined, hidden, server }
  const rows: LedgerRow[] = JSON.parse(row.rows)
  return { digest, rows, hidden, server }
}

/** The SQLSTATE of an error from the server; undefined for any other, such as EPIPE (no SQLSTATE begins with E). */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^(?!E)[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}

/** There is no ledger, or a table that is none: undefined table, schema, column. */
export const NO_LEDGER_STATES: ReadonlySet<string> = new Set(['42P01', '3F000', '42703'])

/** Another session is changing the ledger's table itself: lock not available. */
export const LEDGER_LOCKED = '55P03'

/**
 * What an app's own query fails with when the schema is not what its code expects: undefined table, column, function,
 * schema, type; no permission (objects that were dropped and created again have lost their grants). Each is a reason to
 * query the ledger at once.
 */
export const SCHEMA_STATES: ReadonlySet<string> = new Set(['42P01', '42703', '42883', '3F000', '42704', '42501'])

/** Connections to one address led to different servers, again and again. */
export class SeveralServersError extends Error {
  constructor() {
    super("The gate's two connections lead to different servers behind one address")
  }
}

/**
 * Why there is no answer, safe to show to anyone: an error's own message names hosts and roles, so only its code is
 * repeated.
 */
export function unreachableDetail(error: unknown): string {
  if (error instanceof WrongServerError)
    return 'No server of the kind that the app asks for answers (target_session_attrs).'
  if (error instanceof HistoryUnreadableError) return `${error.message} Grant it with schemagate follow --app-role.`
  if (error instanceof SeveralServersError)
    return 'The address of the database leads to different servers: name one server, or several hosts with target_session_attrs.'
  const code = sqlState(error)
  if (code === '42501') return 'This app may not read the ledger (42501): grant it with the migrator, --app-role.'
  if (code?.startsWith('28')) return `The database refuses this app's login (${code}).`
  if (code === '3D000') return 'There is no such database (3D000).'
  if (code?.startsWith('57P')) return `The database is starting up or shutting down (${code}).`
  if (code === '53300') return 'The database has no connection left for this app (53300).'
  if (code !== undefined) return `The database answers with an error (${code}).`
  const network = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof network === 'string' && /^E[A-Z_]+$/.test(network)
    ? `The database does not answer (${network}).`
    : 'The database does not answer.'
}
