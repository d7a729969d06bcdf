// Which history is meant: the one that was named, or the only one that there is.

import { findHistory, isFound, likelyTables, noTable } from '../../gate/histories/find.ts'
import type { HistoryTable } from '../../gate/histories/history.ts'
import { historyToolNamed, historyTools, lookAround, quotedTable } from '../../gate/histories/index.ts'
import { historyToolProblem } from '../../gate/histories/tool-names.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { DeniedError, UsageError } from '../errors.ts'
import { grantToRead } from '../histories/foreign.ts'
import type { Session } from '../postgres/session.ts'

/** Which of a database's histories is meant; without either, the only one. */
export interface SourceOptions {
  /** The tool's name. */
  readonly from?: string | undefined
  /** `schema.table`, or the table alone. */
  readonly history?: string | undefined
}

/**
 * Finds the history.
 * @throws UsageError where there is none, or more than one and none is named; DeniedError where this role may not read it,
 * or not all of it.
 */
export async function findSource(
  session: Session,
  ledgerSchema: string,
  options: SourceOptions,
): Promise<HistoryTable> {
  const { from, history } = options
  const problem = from === undefined ? undefined : historyToolProblem(from)
  if (problem) throw new UsageError(`--from ${problem}`)
  const { histories } = await lookAround(session, ledgerSchema)
  const found = histories.filter(
    table => (from === undefined || table.tool.name === from) && (history === undefined || isNamed(table, history)),
  )
  if (found.length === 0 && from !== undefined && history !== undefined) {
    // with the tool's name given, its table may have any other
    for (const { name } of await tablesNamed(session, history)) {
      const table = await findHistory(session, ledgerSchema, { tool: from, history: name })
      if (isFound(table)) found.push(table)
    }
  }
  const [source, another] = found
  if (!source) throw new UsageError(await notFound(session, ledgerSchema, options, histories))
  if (another)
    throw new UsageError(
      `This database has more than one history: ${found.map(describe).join(', ')}. Name one with --from TOOL or --history SCHEMA.TABLE.`,
    )
  if (!source.readable)
    throw new DeniedError(`This role may not read ${describe(source)} (42501). Grant it, ${grantToRead(source)}`)
  await requireAllRows(session, source)
  return source
}

/** Hidden rows are migrations that were never applied, to all who read the history. */
async function requireAllRows(session: Session, source: HistoryTable): Promise<void> {
  const name = quotedTable(source)
  const { rows } = await session.query<{ hidden: boolean }>(
    `select pg_catalog.row_security_active(${quoteLiteral(name)}::pg_catalog.regclass) as hidden`,
  )
  if (rows[0]!.hidden)
    throw new DeniedError(
      `Row level security is switched on for ${describe(source)}, and may hide rows from this role: nothing was recorded. ` +
        `Connect as a role that sees all of them (${source.owner}, or one with BYPASSRLS), or switch it off, as ${source.owner}: alter table ${name} disable row level security`,
    )
}

function isNamed({ schema, table }: HistoryTable, name: string): boolean {
  return name === `${schema}.${table}` || name === table
}

function describe({ tool, schema, table }: HistoryTable): string {
  return `${tool.title}'s ${schema}.${table}`
}

async function notFound(
  session: Session,
  ledgerSchema: string,
  { from, history }: SourceOptions,
  histories: readonly HistoryTable[],
): Promise<string> {
  const others = histories.length > 0 ? ` What it has: ${histories.map(describe).join(', ')}.` : ''
  if (history !== undefined) {
    const columns = (await tablesNamed(session, history)).flatMap(table => table.columns)
    const tool = from === undefined ? undefined : historyToolNamed(from)
    if (columns.length === 0) return `${(await noTable(session, history)).message}${others}`
    const wanted = tool
      ? `: ${tool.title} has ${Object.keys(tool.columns).join(', ')}`
      : `, unless --from TOOL says whose${couldBe(columns)}`
    return `${history} is no history that is known${wanted}. It has the columns ${columns.join(', ')}.${others}`
  }
  const tool = from === undefined ? undefined : historyToolNamed(from)
  const expected = tool ? ` (${tool.tables.join(' or ')})` : ''
  const likely = tool ? await likelyTables(session, ledgerSchema, tool.name) : ''
  return (
    `This database has no history of ${tool?.title ?? 'another tool'}${expected}.${others}${likely} If its table has another name: --history SCHEMA.TABLE. ` +
    'If there is none: schemagate baseline NAME, with the newest migration that the database has.'
  )
}

/** The tools whose tables have most of these columns, and no other: ` (kysely, by its columns)`; or nothing. */
function couldBe(columns: readonly string[]): string {
  const fitting = historyTools.filter(
    one => !one.unread && Object.keys(one.columns).every(name => columns.includes(name)),
  )
  const most = Math.max(...fitting.map(one => Object.keys(one.columns).length))
  const names = fitting.filter(one => Object.keys(one.columns).length === most).map(({ name }) => name)
  return names.length > 0 ? ` (${[...new Set(names)].join(' or ')}, by its columns)` : ''
}

/** The tables that are meant by `schema.table`, or by the table's name alone. */
async function tablesNamed(
  session: Session,
  name: string,
): Promise<readonly { readonly name: string; readonly columns: readonly string[] }[]> {
  const { rows } = await session.query<{ name: string; columns: string[] }>(
    `select pg_catalog.concat(n.nspname, '.', c.relname) as name, array(select a.attname::text from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and $1::text in (pg_catalog.concat(n.nspname, '.', c.relname), c.relname) order by c.oid`,
    [name],
  )
  return rows
}
