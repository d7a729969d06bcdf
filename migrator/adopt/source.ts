// Which history is meant: the one that was named, or the only one that there is.

import type { HistoryTable } from '../../gate/histories/history.ts'
import { historyToolNamed, historyToolProblem, lookAround } from '../../gate/histories/index.ts'
import { DeniedError, UsageError } from '../errors.ts'
import { grantToRead } from '../histories/foreign.ts'
import type { Session } from '../postgres/session.ts'

export interface SourceOptions {
  /** The tool's name. */
  readonly from?: string | undefined
  /** `schema.table`, or the table alone. */
  readonly history?: string | undefined
}

/**
 * Finds the history.
 * @throws UsageError where there is none, or more than one and none is named; DeniedError where this role may not read it.
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
  const [source, another] = found
  if (!source) throw new UsageError(await notFound(session, options, histories))
  if (another)
    throw new UsageError(
      `This database has more than one history: ${found.map(describe).join(', ')}. Name one with --from TOOL or --history SCHEMA.TABLE.`,
    )
  if (!source.readable)
    throw new DeniedError(`This role may not read ${describe(source)} (42501). Grant it, ${grantToRead(source)}`)
  return source
}

function isNamed({ schema, table }: HistoryTable, name: string): boolean {
  return name === `${schema}.${table}` || name === table
}

function describe({ tool, schema, table }: HistoryTable): string {
  return `${tool.title}'s ${schema}.${table}`
}

async function notFound(
  session: Session,
  { from, history }: SourceOptions,
  histories: readonly HistoryTable[],
): Promise<string> {
  const others = histories.length > 0 ? ` What it has: ${histories.map(describe).join(', ')}.` : ''
  if (history !== undefined) {
    const columns = await columnsOf(session, history)
    const tool = from === undefined ? undefined : historyToolNamed(from)
    if (columns.length === 0) return `There is no table ${history}.${others}`
    const wanted = tool ? `: ${tool.title} has ${Object.keys(tool.columns).join(', ')}` : ''
    return `${history} is no history that is known${wanted}. It has the columns ${columns.join(', ')}.${others}`
  }
  const tool = from === undefined ? undefined : historyToolNamed(from)
  const expected = tool ? ` (${tool.tables.join(' or ')})` : ''
  return (
    `This database has no history of ${tool?.title ?? 'another tool'}${expected}.${others} If its table has another name: --history SCHEMA.TABLE. ` +
    'If there is none: schemagate baseline NAME, with the newest migration that the database has.'
  )
}

async function columnsOf(session: Session, name: string): Promise<readonly string[]> {
  const { rows } = await session.query<{ column: string }>(
    `select a.attname::text as column from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind in ('r', 'p') and $1::text in (n.nspname || '.' || c.relname, c.relname) order by c.oid, a.attnum`,
    [name],
  )
  return rows.map(({ column }) => column)
}
