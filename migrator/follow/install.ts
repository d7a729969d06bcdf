// What `follow` leaves in the database: require() over the history, the published manifest, the trigger, the right to read.

import { createHash } from 'node:crypto'
import { type HistoryTable, tablesRead } from '../../gate/histories/history.ts'
import { quotedTable } from '../../gate/histories/index.ts'
import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { commentOn, noteOf, writeNote } from '../../gate/protocol/emptied.ts'
import { followedOid, followedTable, isMigrationsTable } from '../../gate/protocol/followed.ts'
import type { FollowedManifest } from '../../gate/protocol/manifest.ts'
import { followedTrigger, followedTriggerSql, requireFollowedDdl } from '../../gate/protocol/require-followed.ts'
import { UsageError } from '../errors.ts'
import { filledSchemas } from '../ledger/other-tables.ts'
import { ledgerIsReadOnly } from '../ledger/rights.ts'
import type { Session } from '../postgres/session.ts'

/** Of so many builds the manifests are kept: more than run beside each other, or are gone back to. */
const mostBuilds = 50

/** The statements that install it, for one transaction. Repeatable. */
export function installSql(
  schema: string,
  table: HistoryTable,
  manifest: FollowedManifest,
  by: { readonly runId: string; readonly toolVersion: string },
): string {
  const published = followedTable(schema)
  const functions = requireFollowedDdl(schema, table)
  const { tool, schema: historySchema, table: historyTable } = table
  const texts = [manifest.head ?? '', tool.name, historySchema, historyTable, JSON.stringify(manifest)]
  const values = [...texts, digestOf(functions), by.runId, by.toolVersion].map(quoteLiteral).join(', ')
  const columns = 'head, tool, history_schema, history_table, manifest, functions, run_id, tool_version, published_at'
  // the newest, also where the server's clock was set back since
  const publishedAt = `greatest(pg_catalog.clock_timestamp(), (select pg_catalog.max(published_at) from ${published}) + interval '1 microsecond')`
  return `create table if not exists ${published} (
  head text primary key,
  tool text not null,
  history_schema text not null,
  history_table text not null,
  manifest jsonb not null,
  functions text not null,
  published_at timestamptz not null default pg_catalog.clock_timestamp(),
  run_id uuid not null,
  tool_version text not null
);
${ledgerIsReadOnly(schema)}
${functions}
insert into ${published} (${columns}) values (${values}, ${publishedAt}) on conflict (head) do update set (${columns}) =
  (${columns
    .split(', ')
    .map(column => `excluded.${column}`)
    .join(', ')});
delete from ${published} where head not in (select head from ${published} order by published_at desc limit ${mostBuilds});`
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What is there of it. */
export interface Installed {
  /** The functions of this release and this manifest, as the newest. */
  readonly published: boolean
  /** The trigger is on the table. */
  readonly triggered: boolean
  /** This role may make it. */
  readonly mayTrigger: boolean
}

/** @throws UsageError if the schema already follows another history. */
export async function readInstalled(
  session: Session,
  schema: string,
  table: HistoryTable,
  manifest: FollowedManifest,
): Promise<Installed> {
  const name = quoteLiteral(quotedTable(table))
  const { rows } = await session.query<{ made: boolean; triggered: boolean; mayTrigger: boolean }>(
    `select pg_catalog.to_regclass(${quoteLiteral(followedTable(schema))}) is not null as made,
       exists (select from pg_catalog.pg_trigger where tgrelid = ${name}::pg_catalog.regclass::pg_catalog.oid and tgname = ${quoteLiteral(followedTrigger)}) as triggered,
       pg_catalog.has_table_privilege(${name}, 'TRIGGER') as "mayTrigger"`,
  )
  const { made, triggered, mayTrigger } = rows[0]!
  if (!made) return { published: false, triggered, mayTrigger }
  const { rows: builds } = await session.query<{ tool: string; history: string; same: boolean }>(
    `select tool, history_schema || '.' || history_table as history, head = ${quoteLiteral(manifest.head ?? '')}
         and manifest = ${quoteLiteral(JSON.stringify(manifest))}::pg_catalog.jsonb
         and functions = ${quoteLiteral(digestOf(requireFollowedDdl(schema, table)))}
         and pg_catalog.to_regprocedure(${quoteLiteral(`${quoteIdent(schema)}.followed_changed()`)}) is not null as same
       from ${followedTable(schema)} order by published_at desc`,
  )
  const history = `${table.schema}.${table.table}`
  const other = builds.find(build => build.tool !== table.tool.name || build.history !== history)
  if (other)
    throw new UsageError(
      `The schema ${schema} follows ${other.history} as the history of ${other.tool}, and not ${history} as that of ${table.tool.name}. Nothing was changed. ` +
        `For a second one in the same database name a schema of its own (--schema); if it has moved: drop table ${followedTable(schema)}.`,
    )
  return { published: builds[0]?.same === true, triggered, mayTrigger }
}

/** The statement for the trigger. */
export function triggerSql(schema: string, table: HistoryTable): string {
  return followedTriggerSql(schema, table)
}

/**
 * The statement that notes where tables are, seen in the database; undefined: it is noted. Those of the history's schema
 * and of the one in which unqualified names are: schemas of tenants come and go.
 */
export async function noteToWrite(session: Session, schema: string, table: HistoryTable): Promise<string | undefined> {
  const filled = await filledSchemas(session, schema, name => name === table.schema, isMigrationsTable(table))
  if (filled.length === 0) return undefined
  const { rows } = await session.query<{ note: string | null }>(`select ${commentOn(followedOid(schema))} as note`)
  return rows[0]!.note === noteOf(filled) ? undefined : writeNote(followedTable(schema), filled)
}

/** The rights of the app's role on the history: to read it, and no more. */
export interface HistoryRights {
  /** It has them. */
  readonly right: boolean
  /** This session may grant and revoke them. */
  readonly mine: boolean
}

/** @param role the app's, which need not exist */
export async function readRights(session: Session, table: HistoryTable, role: string): Promise<HistoryRights> {
  const [all, read] = [tablesOf(table), quotedTables(table, tablesRead(table))].map(names => names.map(quoteLiteral))
  const r = quoteLiteral(role)
  const { rows } = await session.query<{ readable: boolean; writable: boolean; mine: boolean }>(
    `select a.oid is not null and pg_catalog.has_schema_privilege(a.oid, n.oid, 'USAGE')
         and (select pg_catalog.bool_and(pg_catalog.has_table_privilege(a.oid, t, 'SELECT')) from pg_catalog.unnest(array[${read!.join(', ')}]) t) as readable,
       a.oid is not null and (select pg_catalog.bool_or(pg_catalog.has_table_privilege(a.oid, t, 'INSERT, UPDATE, DELETE, TRUNCATE')) from pg_catalog.unnest(array[${all!.join(', ')}]) t) as writable,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') as mine
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_roles a on a.rolname = ${r}
     where c.oid = ${all![0]}::pg_catalog.regclass::pg_catalog.oid`,
  )
  const { readable, writable, mine } = rows[0]!
  return { right: readable && !(writable && mine), mine }
}

/** The statements that grant them. */
export function rightsSql(table: HistoryTable, role: string): string {
  const to = quoteIdent(role)
  const tables = tablesOf(table).join(', ')
  return (
    `grant usage on schema ${quoteIdent(table.schema)} to ${to}; ` +
    `revoke insert, update, delete, truncate, references, trigger on ${tables} from ${to}; grant select on ${tables} to ${to};`
  )
}

/** The history's own and the tool's others beside it, quoted. */
function tablesOf(table: HistoryTable): string[] {
  return quotedTables(table, [table.table, ...table.beside])
}

function quotedTables({ schema }: HistoryTable, names: readonly string[]): string[] {
  return names.map(name => `${quoteIdent(schema)}.${quoteIdent(name)}`)
}
