// The one history of a tool that is named: its usual table, or `schema.table`.

import { quoteLiteral } from '../postgres/quote.ts'
import { type HistoryTable, type HistoryTool, tablesRead } from './history.ts'
import { ask, hasColumns, historyTools, lookAround, type Questionable, typeName } from './index.ts'

/** Which history is looked for. */
export interface Wanted {
  /** The tool's name. */
  readonly tool: string
  /** `schema.table`, where it is not the tool's usual one. */
  readonly history?: string | undefined
}

/**
 * What there is instead, as a sentence. `missing`: there is no such table; `wrong`: there are several, or it is another
 * one.
 */
export interface NotFound {
  readonly why: 'missing' | 'wrong'
  readonly message: string
}

/** Finds it by the catalogue: the session needs no right on it. */
export async function findHistory(
  session: Questionable,
  ledgerSchema: string,
  { tool, history }: Wanted,
): Promise<HistoryTable | NotFound> {
  const title = titleOf(tool)
  if (history !== undefined) return named(session, tool, history)
  const { histories } = await lookAround(session, ledgerSchema)
  // where columns are all that tells another table, it is the one with the usual name, or the one that is named
  const own = histories.filter(
    table => table.tool.name === tool && (!table.tool.onlyThese || table.tool.tables.includes(table.table)),
  )
  const [found, another] = own
  if (another)
    return {
      why: 'wrong',
      message: `This database has more than one history of ${title}: ${own.map(nameOf).join(', ')}. Name one: --history SCHEMA.TABLE.`,
    }
  if (found) return found
  const others = histories.map(table => `${table.tool.title}'s ${nameOf(table)}`)
  // what tells it from another tool's can be switched off: Rails' metadata table
  const alike = histories.find(table => historyTools.some(one => one.name === tool && looksLike(one, table)))
  const hint = alike
    ? ` If that one is of ${title}: --history ${nameOf(alike)}.`
    : await likelyTables(session, ledgerSchema, tool)
  const usual = [...new Set(historyTools.flatMap(({ name, tables }) => (name === tool ? tables : [])))]
  return {
    why: 'missing',
    message: `This database has no history of ${title} (a table ${usual.join(' or ')}; if it has another name: --history SCHEMA.TABLE).${others.length > 0 ? ` What it has: ${others.join(', ')}.` : ''}${hint}`,
  }
}

/** It has the usual name of the tool's table, and its columns. */
function looksLike(tool: HistoryTool, { table, columns }: HistoryTable): boolean {
  return tool.tables.includes(table) && Object.keys(tool.columns).every(name => columns.has(name))
}

/**
 * Offers tables under names of a project's own that have the tool's columns, few others, and a name as a history has; as a
 * sentence behind others, or nothing.
 */
export async function likelyTables(session: Questionable, ledgerSchema: string, toolName: string): Promise<string> {
  const tools = historyTools.filter(({ name }) => name === toolName)
  const tables = await ask<Pick<NamedTable, 'schema' | 'table' | 'columns'>>(
    session,
    `select n.nspname::text as schema, c.relname::text as table, ${columnsSql} as columns
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f') and not c.relispartition and n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema'
    and n.nspname <> ${quoteLiteral(ledgerSchema)} and c.relname::text ~* 'migrat|version|history|meta|evolution'
  order by 1, 2`,
  )
  const likely = tables.filter(({ columns }) =>
    tools.some(one => hasColumns(one, columns) && Object.keys(columns).length <= Object.keys(one.columns).length + 4),
  )
  const [first, another] = likely.map(nameOf)
  if (first === undefined) return ''
  if (another === undefined) return ` ${first} has its columns: if that is it, --history ${first}.`
  const some = likely.slice(0, 3).map(nameOf).join(', ')
  return ` ${some}${likely.length > 3 ? ` and ${likely.length - 3} more` : ''} have its columns: if one of them is it, --history SCHEMA.TABLE.`
}

/** Tells the history from why there is none. */
export function isFound(found: HistoryTable | NotFound): found is HistoryTable {
  return !('why' in found)
}

/** As people write the tool's name. */
export function titleOf(tool: string): string {
  return historyTools.find(({ name }) => name === tool)?.title ?? tool
}

function nameOf({ schema, table }: Pick<HistoryTable, 'schema' | 'table'>): string {
  return `${schema}.${table}`
}

interface NamedTable {
  readonly schema: string
  readonly table: string
  readonly owner: string
  readonly readable: boolean
  readonly columns: Readonly<Record<string, string>>
  /** Names of the others in its schema, and whether this session may select from them. */
  readonly beside: Readonly<Record<string, boolean>>
}

async function named(session: Questionable, toolName: string, name: string): Promise<HistoryTable | NotFound> {
  const [found] = await ask<NamedTable>(session, namedSql(name))
  if (!found) return noTable(session, name)
  const { columns, beside: neighbours, ...table } = found
  const tools = historyTools.filter(({ name }) => name === toolName)
  const tool = tools.find(one => hasColumns(one, columns))
  if (!tool)
    return {
      why: 'wrong',
      message: `${name} is no history of ${titleOf(toolName)}, which has the columns ${tools.map(one => Object.keys(one.columns).join(', ')).join(', or ')}. It has ${Object.keys(columns).join(', ')}.`,
    }
  const beside = new Set((tool.beside?.(table.table) ?? []).filter(name => name in neighbours))
  const readable = table.readable && tablesRead({ tool, table: table.table, beside }).every(name => neighbours[name])
  return { ...table, tool, columns: new Set(Object.keys(columns)), beside, readable }
}

/** Types by name, of a table `c`. */
const columnsSql = `(select coalesce(pg_catalog.json_object_agg(a.attname, ${typeName}), '{}') from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`

function namedSql(name: string): string {
  return `select n.nspname::text as schema, c.relname::text as table, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
    pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select') as readable,
    ${columnsSql} as columns,
    (select pg_catalog.json_object_agg(b.relname, pg_catalog.has_table_privilege(b.oid, 'select')) from pg_catalog.pg_class b where b.relnamespace = n.oid and b.relkind in ('r', 'p', 'f')) as beside
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f') and pg_catalog.concat(n.nspname, '.', c.relname) = ${quoteLiteral(name)}`
}

/** Why the table that an operator named is not found: it is a view, or written in another way. */
export async function noTable(session: Questionable, name: string): Promise<NotFound> {
  const plain = quoteLiteral(name.replaceAll('"', ''))
  const similar = await ask<{ name: string; view: boolean }>(
    session,
    `select pg_catalog.concat(n.nspname, '.', c.relname) as name, c.relkind in ('v', 'm') as view
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f', 'v', 'm') and pg_catalog.lower(${plain}) in (pg_catalog.lower(c.relname),
    pg_catalog.lower(pg_catalog.concat(n.nspname, '.', c.relname))) order by 1`,
  )
  if (similar.some(one => one.view && one.name === name))
    return {
      why: 'wrong',
      message: `${name} is a view, and not the table in which a tool keeps its history: name that.`,
    }
  const form = name.includes('.') && !name.includes('"') ? '' : ': --history takes SCHEMA.TABLE, without quotes'
  const tables = similar.flatMap(one => (one.view ? [] : [one.name]))
  const meant = tables.length > 0 ? ` Did you mean ${tables.join(' or ')}?` : ''
  return { why: 'missing', message: `There is no table ${name}${form}.${meant}` }
}
