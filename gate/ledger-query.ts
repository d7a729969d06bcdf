// The look: the one query by which a gate learns what the ledger says, and what its answers and errors mean.

import { escapeIdentifier, escapeLiteral } from 'pg'
import { WrongServerError } from './postgres/hosts.ts'
import type { LedgerRow } from './protocol/compatibility.ts'

/** What the database says of its ledger. `rows` is null when there is no ledger, undefined when nothing has changed. */
export interface Look {
  /** Equal digests mean equal ledgers, as far as a gate reads them. */
  readonly digest: string
  readonly rows: readonly LedgerRow[] | null | undefined
}

/** The same of a ledger that was read. */
export interface FullLook extends Look {
  readonly hidden: boolean
  readonly server: string
}

/** The look of a database without a ledger. */
export const NO_LEDGER = { digest: 'no ledger', rows: null } as const satisfies Look

/** The row that `lookSql` gives. */
export interface LookRow {
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
 * Tells servers apart: when the server process was started, in microseconds. Anyone may ask for it, which is not so
 * everywhere for the system identifier, and that a standby shares with its primary.
 */
export const serverExpression =
  '(extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000000)::pg_catalog.int8::text'

/**
 * The query, for a ledger in `schema`. The rows come only when they differ from those of the last look, whose digest is
 * `seen`: a look at an unchanged ledger moves 64 bytes, however many migrations there are.
 *
 * It takes no parameters, so that it is sent as a simple query: with the extended protocol the portal, and with it the
 * snapshot, would live on in the transaction of a gate that holds the ledger, and CREATE INDEX CONCURRENTLY would wait
 * for that transaction to end.
 */
export function lookSql(schema: string, seen: string): string {
  const ledger = ledgerTable(schema)
  // The only part of the journal that matters here.
  const earlier = `case when pg_catalog.jsonb_typeof(journal) = 'object' then journal->'earlier' end`
  return `select digest, case when digest <> ${escapeLiteral(seen)} then (
  select coalesce(pg_catalog.json_agg(pg_catalog.row_to_json(l) order by position), '[]')::text
  from (select name, checksum, kind, breaking, state, position, ${earlier} as earlier from ${ledger}) as l) end as rows,
  (select coalesce(pg_catalog.bool_or(indisprimary), false) from pg_catalog.pg_index
   where indrelid = pg_catalog.to_regclass(${escapeLiteral(ledger)})) as whole,
  pg_catalog.row_security_active(pg_catalog.to_regclass(${escapeLiteral(ledger)})) as hidden,
  ${serverExpression} as server
from (
  select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.string_agg(
    pg_catalog.concat_ws(E'\\n', name, checksum, kind, breaking, state, position, ${earlier}), E'\\n' order by position
  ), ''), 'UTF8')), 'hex') as digest
  from ${ledger}
) as d`
}

/** The ledger's table in `schema`, quoted. */
export function ledgerTable(schema: string): string {
  return `${escapeIdentifier(schema)}.ledger`
}

/** The row that `awaitedSql` gives. */
export interface AwaitedRow {
  /** Someone waits for the ledger to be let go: to drop it, to restore over it, to change its columns. */
  readonly awaited: boolean
}

/** Does someone want the ledger? Only who has rights on the table can be in `pg_locks` so. Without parameters, as `lookSql`. */
export function awaitedSql(schema: string): string {
  return `select coalesce(pg_catalog.bool_or(not granted and mode = 'AccessExclusiveLock'), false) as awaited
from pg_catalog.pg_locks
where locktype = 'relation' and relation = pg_catalog.to_regclass(${escapeLiteral(ledgerTable(schema))})
  and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`
}

/** Reads the one row that the query gives. @throws Error if it is not one: another tool's table of that name. */
export function readLook(row: LookRow | undefined): FullLook {
  if (row === undefined) throw new Error('the ledger gave no answer')
  const { digest, hidden, server } = row
  if (row.rows === null) return { digest, rows: undefined, hidden, server }
  const rows: LedgerRow[] = JSON.parse(row.rows)
  return { digest, rows, hidden, server }
}

/** The SQLSTATE of an error that came from the server; undefined for any other, such as EPIPE (no SQLSTATE begins so). */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^(?!E)[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}

/** There is no ledger, or it is not one that is known here: undefined table, schema, column. */
export const NO_LEDGER_STATES: ReadonlySet<string> = new Set(['42P01', '3F000', '42703'])

/** The ledger is locked by someone who changes the table itself: lock not available. */
export const LEDGER_LOCKED = '55P03'

/**
 * What an app's own query fails with when the schema is not what its code expects: undefined table, column, function,
 * schema, type; no permission (objects made anew lose their grants). Each is a reason to look again at once.
 */
export const SCHEMA_STATES: ReadonlySet<string> = new Set(['42P01', '42703', '42883', '3F000', '42704', '42501'])

/** The connections that one address gave led to different servers, again and again. */
export class SeveralServersError extends Error {
  constructor() {
    super("The gate's two connections lead to different servers behind one address")
  }
}

/**
 * Why there is no answer, in words that may be shown to anyone: an error's own message names hosts and roles, so only
 * its code is repeated.
 */
export function unreachableDetail(error: unknown): string {
  if (error instanceof WrongServerError)
    return 'No server of the kind that the app asks for answers (target_session_attrs).'
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
