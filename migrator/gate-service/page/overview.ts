// What the page shows of the database besides the gate's state: each part a query of its own, since a role may not read all.

import { quoteIdent } from '../../../gate/postgres/quote.ts'
import { missingTableCodes, sqlstate } from '../../../gate/postgres/sqlstate.ts'
import { DRAINED, GATE_PATTERN, LOOKING, migratorName } from '../../../gate/protocol/announcement.ts'
import { ledgerTable } from '../../../gate/protocol/ledger.ts'
import { sqlState } from '../../../gate/reading/ledger-query.ts'

export interface AppliedRow {
  readonly name: string
  readonly kind: string
  readonly breaking: boolean
  readonly state: 'applied' | 'running'
  readonly at: Date
  readonly durationMs: number
  readonly version: string
}

export interface RunRow {
  readonly command: string
  readonly at: Date
  readonly endedAt: Date | null
  readonly outcome: string
  readonly exitCode: number | null
  readonly applied: number
  readonly version: string
}

export interface SessionRow {
  readonly name: string
  readonly role: string | null
  /** Null for another role's session, unless this role may see all. */
  readonly since: Date | null
}

export interface ReplicaRow {
  readonly name: string | null
  readonly state: string | null
  readonly lagBytes: number | null
  readonly lagMs: number | null
}

/** What the last `verify` has found. */
export interface DriftRow {
  readonly at: Date
  readonly differences: number
}

/** The rows, or in a sentence why there are none. */
export type Part<Row> = readonly Row[] | string

export interface Overview {
  readonly readAt: Date
  readonly database: string
  readonly serverVersion: string
  readonly ledger: Part<AppliedRow>
  readonly runs: Part<RunRow>
  /** One row, or none. */
  readonly drift: Part<DriftRow>
  readonly sessions: Part<SessionRow>
  readonly replicas: Part<ReplicaRow>
}

interface Queryable {
  query<Row extends object>(text: string): Promise<Row[]>
}

/** Six small queries, each of few rows. @throws the error of a connection that is lost. */
export async function readOverview(session: Queryable, schema: string): Promise<Overview> {
  const part = async <Row extends object>(text: string, table = '', ifMissing?: string): Promise<Part<Row>> => {
    try {
      return await session.query<Row>(text)
    } catch (error) {
      return whyNot(error, table, ifMissing)
    }
  }
  const [server] = await session.query<{ database: string; version: string }>(
    `select pg_catalog.current_database() as database, pg_catalog.current_setting('server_version') as version`,
  )
  return {
    readAt: new Date(),
    database: server!.database,
    serverVersion: server!.version,
    ledger: await part(ledgerSql(schema), ledgerTable(schema)),
    runs: await part(runsSql(schema), `${quoteIdent(schema)}.runs`),
    drift: await part(driftSql(schema), `${quoteIdent(schema)}.schemagate_expected`, notVerified),
    sessions: await part(sessionsSql),
    replicas: await part(replicasSql),
  }
}

/** Where `verify` has not run. */
export const notVerified = 'Not known: schemagate verify has not run.'

function whyNot(error: unknown, table: string, ifMissing = 'There is no ledger yet.'): string {
  const code = sqlState(error)
  if (code === undefined) throw error
  if (code === sqlstate.insufficientPrivilege)
    return `The gate's role may not read this${table === '' ? '' : ` (${table})`}, and an app's role is not to. Log the gate in with a role of its own, and grant it ${table === '' ? 'pg_monitor' : `select on ${table}`}.`
  if (missingTableCodes.has(code)) return ifMissing
  return `The database answered with an error (${code}).`
}

const ledgerSql = (
  schema: string,
) => `select name, kind, breaking, state, applied_at as at, duration_ms as "durationMs",
  tool_version as version from ${ledgerTable(schema)} order by position desc limit 5000`

const runsSql = (schema: string) => `select command, started_at as at, ended_at as "endedAt", outcome,
  exit_code as "exitCode", applied, tool_version as version
  from ${quoteIdent(schema)}.runs order by started_at desc limit 10`

const driftSql = (schema: string) => `select verified_at as at, differences
  from ${quoteIdent(schema)}.schemagate_expected where verified_at is not null`

/** Every role may see these names; the rest of a session only its own role, or a member of pg_read_all_stats. */
const sessionsSql = `select application_name as name, usename as role, backend_start as since
  from pg_catalog.pg_stat_activity
  where datname = pg_catalog.current_database() and application_name <> '${LOOKING}'
    and (application_name like '${GATE_PATTERN}' or application_name like '${migratorName} %')
  order by application_name = '${DRAINED}', application_name, backend_start limit 50`

const replicasSql = `select application_name as name, state,
  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), replay_lsn)::float8 as "lagBytes",
  (extract(epoch from replay_lag)::pg_catalog.numeric * 1000::pg_catalog.numeric)::float8 as "lagMs"
  from pg_catalog.pg_stat_replication where state is distinct from 'backup' order by application_name, pid limit 20`
