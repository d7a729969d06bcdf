// The histories of other tools that a database can have: which there are, and what they say.

import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'
import { alembic } from './alembic.ts'
import { atlas } from './atlas.ts'
import { dbMigrate } from './db-migrate.ts'
import { dbmate } from './dbmate.ts'
import { diesel } from './diesel.ts'
import { django } from './django.ts'
import { drizzle } from './drizzle.ts'
import { ecto } from './ecto.ts'
import { efCore, efCoreSnakeCase } from './ef-core.ts'
import { flyway } from './flyway.ts'
import { golangMigrate } from './golang-migrate.ts'
import { goose } from './goose.ts'
import { graphileMigrate } from './graphile-migrate.ts'
import {
  type ColumnKind,
  type History,
  type HistoryRow,
  type HistoryTable,
  type HistoryTool,
  tablesRead,
} from './history.ts'
import { knex } from './knex.ts'
import { kysely } from './kysely.ts'
import { laravel } from './laravel.ts'
import { ley } from './ley.ts'
import { liquibase } from './liquibase.ts'
import { lucid } from './lucid.ts'
import { mikroOrm } from './mikro-orm.ts'
import { morph } from './morph.ts'
import { nodePgMigrate } from './node-pg-migrate.ts'
import { play } from './play.ts'
import { postgrator } from './postgrator.ts'
import { postgresMigrations } from './postgres-migrations.ts'
import { prisma } from './prisma.ts'
import { rails } from './rails.ts'
import { refinery } from './refinery.ts'
import { otherLedger } from './schemagate.ts'
import { sequelize } from './sequelize.ts'
import { sqitch } from './sqitch.ts'
import { sqlMigrate } from './sql-migrate.ts'
import { sqlx } from './sqlx.ts'
import { supabase } from './supabase.ts'
import { tern } from './tern.ts'
import { typeorm } from './typeorm.ts'
import { yoyo } from './yoyo.ts'

export type { History, HistoryEntry, HistoryRow, HistoryTable, HistoryTool, Told, Unfinished } from './history.ts'

/** Every tool whose history is known. A tool may stand in it twice, where releases of it have other tables. */
export const historyTools: readonly HistoryTool[] = [
  ...[flyway, prisma, golangMigrate, goose, sqlx, diesel, atlas, drizzle, graphileMigrate, nodePgMigrate, dbmate],
  ...[postgresMigrations, sqlMigrate, tern, postgrator, play, supabase, refinery, morph, yoyo, sqitch],
  // Lucid's table has Knex' columns, and is told by its name
  ...[
    alembic,
    django,
    rails,
    lucid,
    knex,
    sequelize,
    typeorm,
    kysely,
    mikroOrm,
    dbMigrate,
    ley,
    laravel,
    ecto,
    efCore,
    efCoreSnakeCase,
  ],
  liquibase,
  otherLedger,
]

/** The tool of that name, as it is written after `--from` and `--follow`. */
export function historyToolNamed(name: string): HistoryTool | undefined {
  return historyTools.find(tool => tool.name === name)
}

/** Anything that takes a query: a session of the gate's or of the migrator's. */
export interface Questionable {
  query<Row extends object>(text: string): Promise<readonly Row[] | { readonly rows: readonly Row[] }>
  /** The same for a text that is sent again and again: the server plans it once. */
  repeat?<Row extends object>(text: string): Promise<readonly Row[]>
}

/** What a database has besides a ledger. */
export interface Found {
  /** Tables that are some tool's history, whether there is a row in them or not. */
  readonly histories: readonly HistoryTable[]
  /** `schema.table` of all others that are no extension's and not the ledger's, sorted. */
  readonly tables: readonly string[]
}

/**
 * Looks through the catalogue, in one query: for histories by the names and columns of tables, and for all other tables.
 * What belongs to an extension does not count.
 * @param ledgerSchema whose ledger is this project's own.
 */
export async function lookAround(session: Questionable, ledgerSchema: string): Promise<Found> {
  const candidates = await ask<Candidate>(session, catalogueSql(ledgerSchema))
  const histories = recognised(candidates)
  const known = new Set(
    histories.flatMap(({ schema, table, beside }) => [table, ...beside].map(name => `${schema}.${name}`)),
  )
  const tables = candidates.map(({ schema, table }) => `${schema}.${table}`).filter(name => !known.has(name))
  return { histories, tables: tables.sort() }
}

/**
 * Reads a history, in one query: one moment's rows, and whether the tool is at work.
 * @throws the server's error: 42501 if it may not be read.
 */
export async function readHistory(session: Questionable, table: HistoryTable): Promise<History> {
  const [answer] = await ask<HistoryAnswer>(session, historySql(table))
  return historyOf(table, answer!)
}

/** The row that {@link historySql} returns. */
export interface HistoryAnswer {
  readonly rows: string
  readonly running: boolean
}

/** What the tool makes of its table's rows. */
export function historyOf(table: HistoryTable, { rows, running }: HistoryAnswer): History {
  const read: HistoryRow[] = JSON.parse(rows)
  return { ...table.tool.read(read), table, running }
}

/** The history's table, quoted. */
export function quotedTable({ schema, table }: HistoryTable): string {
  return `${quoteIdent(schema)}.${quoteIdent(table)}`
}

/** The statement that {@link readHistory} sends; it takes no parameters. */
export function historySql(table: HistoryTable): string {
  const { tool, columns } = table
  const fields = Object.entries(tool.fields)
    .filter(([, expression]) => !tool.newer?.includes(expression) || columns.has(expression))
    // to_json writes times as ISO 8601, whatever DateStyle says; numbers stay whole as text
    .map(([name, expression]) => `pg_catalog.to_json(${expression}) #>> '{}' as ${quoteIdent(name)}`)
  return `select coalesce((select pg_catalog.json_agg(pg_catalog.row_to_json(h)) from (
    select ${fields.join(', ')} from ${quotedTable(table)} as t order by ${tool.order}) as h), '[]')::text as rows,
  ${tool.running?.(table) ?? 'false'} as running`
}

interface Candidate {
  readonly schema: string
  readonly table: string
  readonly owner: string
  readonly readable: boolean
  readonly runsCode: boolean
  /** Names and types; only of tables with the name or the columns of a history. */
  readonly columns: Readonly<Record<string, string>> | null
}

/** A wide table is no history, and its columns need not be moved. */
const mostColumns = 30

/** The ledger's own tables: named here as well, for the gate knows nothing of the migrator. */
const ledgerTables = [
  'ledger',
  'manifest',
  'ledger_version',
  'runs',
  'schemagate_app_roles',
  'schemagate_expected',
  'adoption',
  'schemagate_followed',
]

const isServers = "t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid"

/**
 * A condition on a type, `t` of pg_type: it is the server's own or an extension's. Another role can give its types the names of
 * those, and they run its functions where they are cast or compared.
 */
const isPlainType = `(${isServers} or exists (select from pg_catalog.pg_depend e
        where e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid and e.objid = t.oid and e.deptype = 'e'))`

/** The name of such a type, of a column `a`, without quotes also where quote_all_identifiers is on; '' for any other. */
export const typeName = `case when ${isServers} then pg_catalog.replace(pg_catalog.format_type(a.atttypid, null), '"', '')
          when ${isPlainType} then t.typname::text else '' end`

/**
 * A condition on a table `c`, its owner `o` and its columns `a`: {@link HistoryTable.runsCode}. The planner evaluates
 * expressions of indexes, statistics and partitions, and a policy is evaluated for each row.
 */
const runsCode = `(not o.rolsuper and o.rolname <> current_user and (a.plain is not true or c.relkind <> 'r' or c.relhassubclass
        or pg_catalog.row_security_active(c.oid)
        or exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null))
        or exists (select from pg_catalog.pg_statistic_ext s where s.stxrelid = c.oid)))`

function catalogueSql(ledgerSchema: string): string {
  const distinctive = historyTools.filter(tool => tool.distinctive || tool.onlyThese)
  const names = [...new Set(historyTools.flatMap(tool => tool.tables))]
  const marks = [...new Set(distinctive.map(tool => Object.keys(tool.columns).join(' ')))]
  // distinct sets of columns, each as an array that has to be contained
  const sets = marks.map(mark => `array[${mark.split(' ').map(quoteLiteral).join(', ')}]::text[]`)
  return `select c.schema, c.table, c.owner, c.readable, c.runs_code as "runsCode",
    case when c.table in (${names.map(quoteLiteral).join(', ')}) or exists (
      select from (values ${sets.map(set => `(${set})`).join(', ')}) as m (names) where m.names operator(pg_catalog.<@) c.names) then c.columns end as columns
  from (
    select n.nspname::text as schema, c.relname::text as table, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
      pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select') as readable,
      ${runsCode} as runs_code, a.names, a.columns
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_roles o on o.oid = c.relowner
    cross join lateral (
      select pg_catalog.array_agg(a.attname::text) as names, pg_catalog.json_object_agg(a.attname, ${typeName}) as columns,
        pg_catalog.bool_and(${isPlainType}) as plain
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and c.relnatts <= ${mostColumns}) as a
    where c.relkind in ('r', 'p', 'f') and not c.relispartition
      and n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema'
      and (n.nspname <> ${quoteLiteral(ledgerSchema)} or c.relname not in (${ledgerTables.map(quoteLiteral).join(', ')}))
      and not exists (select from pg_catalog.pg_depend d
                       where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and d.objid = c.oid and d.deptype = 'e')
  ) as c`
}

const kinds: readonly (readonly [ColumnKind, RegExp])[] = [
  ['text', /^(?:text|character varying|character|citext|name)$/],
  ['number', /^(?:smallint|integer|bigint|numeric)$/],
  ['time', /^timestamp/],
  ['boolean', /^boolean$/],
  ['bytes', /^bytea$/],
  ['json', /^jsonb?$/],
  ['list', /\[\]$/],
]

function recognised(candidates: readonly Candidate[]): HistoryTable[] {
  return candidates.flatMap(candidate => {
    const { schema, table, owner, columns } = candidate
    if (!columns) return []
    const others = candidates.filter(other => other.schema === schema)
    const names = new Set(others.map(other => other.table))
    const [tool] = historyTools
      .filter(tool => fits(tool, candidate, columns, names))
      // where one fingerprint contains another, the one that says more
      .sort((a, b) => weight(b) - weight(a))
    if (!tool) return []
    const beside = new Set((tool.beside?.(table) ?? []).filter(name => names.has(name)))
    const read = new Set(tablesRead({ tool, table, beside }))
    const readable = others.every(other => other.readable || !read.has(other.table))
    const runsCode = candidate.runsCode || others.some(other => beside.has(other.table) && other.runsCode)
    return [{ tool, schema, table, owner, readable, runsCode, columns: new Set(Object.keys(columns)), beside }]
  })
}

function weight(tool: HistoryTool): number {
  return (
    Object.keys(tool.columns).length * 4 + Number(tool.schema !== undefined) * 2 + Number(tool.companion !== undefined)
  )
}

function fits(
  tool: HistoryTool,
  { schema, table }: Candidate,
  columns: Readonly<Record<string, string>>,
  tablesBeside: ReadonlySet<string>,
): boolean {
  const hasNoOthers = Object.keys(columns).length === Object.keys(tool.columns).length
  if (!tool.tables.includes(table) && !tool.distinctive && !(tool.onlyThese && hasNoOthers)) return false
  if (tool.noOthers && !hasNoOthers) return false
  if (tool.schema !== undefined && tool.schema !== schema) return false
  if (tool.companion !== undefined && !tablesBeside.has(tool.companion)) return false
  return hasColumns(tool, columns)
}

/**
 * Whether a table has the columns of a tool's history, in types of the right kind. It may have others besides.
 * @param columns types as {@link typeName} has them, by name.
 */
export function hasColumns(tool: HistoryTool, columns: Readonly<Record<string, string>>): boolean {
  return Object.entries(tool.columns).every(([name, kind]) => {
    const type = columns[name]
    return type !== undefined && kinds.find(([, pattern]) => pattern.test(type))?.[0] === kind
  })
}

/** The rows of an answer, whether a gate's session gave it or one of pg's. */
export async function ask<Row extends object>(session: Questionable, text: string): Promise<readonly Row[]> {
  const answer = await session.query<Row>(text)
  return 'rows' in answer ? answer.rows : answer
}

/** The same for a text that is sent again and again. */
export async function askAgain<Row extends object>(session: Questionable, text: string): Promise<readonly Row[]> {
  return session.repeat ? session.repeat<Row>(text) : ask<Row>(session, text)
}
