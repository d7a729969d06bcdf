// The queries with which a gate reads the ledger, and what their answers and errors mean.

import { escapeLiteral } from 'pg'
import { WrongServerError } from '../postgres/hosts.ts'
import { commentOn, type FilledSchema, tablesStand } from '../protocol/emptied.ts'
import { HistoryUnreadableError } from '../protocol/followed.ts'
import { ledgerColumns, ledgerTable, manifestTable } from '../protocol/ledger.ts'
import { isSubscribed } from '../protocol/subscribed.ts'

/** What the first question returns. */
export interface LookRow {
  /** Equal versions mean the same rows in the same state. */
  readonly version: string
  /** The ledger's table has its primary key. */
  readonly whole: boolean
  /** Row level security holds for this role: rows may be there that it does not see. */
  readonly hidden: boolean
  /** Its rows come from another database. */
  readonly subscribed: boolean
  /** The tables that were asked for are all there. */
  readonly standing: boolean
  /** The answer to `also`, which was asked in the same query. */
  readonly also: string | null
}

/** What the second returns: the rows as well, as JSON, and what it takes to ask for their tables. */
export interface RowsRow extends LookRow {
  readonly rows: string
  readonly comment: string | null
  /** This role may read what was published. */
  readonly informed: boolean
}

/**
 * Tells servers apart, and the databases of one: when the server process was started, in microseconds, and the database's
 * name. Every role may read that. The system identifier would not do: not every role may read it, and a standby shares it
 * with its primary.
 */
export const serverExpression =
  "pg_catalog.concat((extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.numeric * 1000000::pg_catalog.numeric)::pg_catalog.int8, '/', pg_catalog.current_database())"

/**
 * Asks whether the ledger in `schema` has changed: for a hash of which row versions it has, which a server tells without
 * reading what they say. Every change makes a row version of its own, told from all others by its transaction and place for
 * as long as no session is lost in a crash; the time at which the server process was started goes into the hash, and
 * which table it is: two that were restored in one transaction have equal row versions.
 * https://www.postgresql.org/docs/current/ddl-system-columns.html
 *
 * It takes no parameters, so that it is sent as a simple query: with the extended protocol the portal, and with it the
 * snapshot, would live on in the transaction of a gate that holds the ledger, and CREATE INDEX CONCURRENTLY would wait
 * for that transaction to end.
 * @param tables those that are to be there.
 * @param also an SQL expression of type text, answered with it.
 */
export function lookSql(schema: string, tables: readonly FilledSchema[], also: string): string {
  return `select ${columnsOfLook(schema, tables, also)}`
}

/** Asks the same, and for the rows: in one query, since they have to belong together. */
export function rowsSql(schema: string, also: string): string {
  // The only part of the journal that matters here.
  const earlier = `case when pg_catalog.jsonb_typeof(journal) = 'object' then journal->'earlier'::text end`
  return `select (select coalesce(pg_catalog.json_agg(pg_catalog.row_to_json(l) order by position), '[]')::text
    from (select ${ledgerColumns.join(', ')}, position, ${earlier} as earlier from ${ledgerTable(schema)}) as l) as rows, ${commentOn(tableOf(schema))} as comment,
  coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass(${escapeLiteral(manifestTable(schema))})::pg_catalog.oid, 'select'), false) as informed,
  ${columnsOfLook(schema, [], also)}`
}

const tableOf = (schema: string) => `pg_catalog.to_regclass(${escapeLiteral(ledgerTable(schema))})::pg_catalog.oid`

function columnsOfLook(schema: string, tables: readonly FilledSchema[], also: string): string {
  const ledger = ledgerTable(schema)
  const table = tableOf(schema)
  return `(select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    coalesce(pg_catalog.string_agg(xmin::pg_catalog.text || ctid::pg_catalog.text, ' '), '') || ${table}::pg_catalog.text || ${serverExpression} || coalesce(${commentOn(table)}, ''), 'UTF8')), 'hex')
   from ${ledger}) as version,
  exists (select from pg_catalog.pg_index where indrelid = ${table} and indisprimary) as whole,
  pg_catalog.row_security_active(${table}) as hidden,
  ${isSubscribed(table)} as subscribed,
  ${tablesStand(tables)} as standing,
  ${also} as also`
}

/** The SQLSTATE of an error from the server; undefined for any other, such as EPIPE (no SQLSTATE begins with E). */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^(?!E)[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}

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
  if (code === '42501')
    return 'This app may not read the ledger (42501). Grant it with the migrator (--app-role); or by hand: usage on its schema, select on its tables ledger, ledger_version and manifest.'
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
