// What the ledger remembers of an adoption: which history it was, how far it had come, and whether it is kept.

import { findHistory, isFound } from '../../gate/histories/find.ts'
import type { HistoryTable } from '../../gate/histories/history.ts'
import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import type { LedgerCondition } from '../ledger/condition.ts'
import type { Session } from '../postgres/session.ts'

export interface Adoption {
  /** The tool's name, as after `--from`. */
  readonly tool: string
  readonly schema: string
  readonly table: string
  /** Keys of all that the history had when it was last adopted. */
  readonly keys: readonly string[]
  /** Its rows are written for later migrations, too. */
  readonly keepHistory: boolean
}

/** The adoption that a ledger remembers; undefined if there was none, or this role may not read it. */
export async function readAdoption(
  session: Session,
  schema: string,
  condition: LedgerCondition | undefined,
): Promise<Adoption | undefined> {
  if (!condition?.tables.get('adoption')?.readable) return undefined
  const { rows } = await session.query<Adoption & { [column: string]: unknown }>(
    `select tool, history_schema as schema, history_table as table, keys, keep_history as "keepHistory" from ${quoteIdent(schema)}.adoption`,
  )
  return rows[0]
}

/** The statement that remembers it. Repeatable. */
export function recordAdoption(
  ledgerSchema: string,
  { tool, schema, table, keys, keepHistory }: Adoption,
  by: { readonly runId: string; readonly toolVersion: string },
): string {
  const texts = [tool, schema, table, JSON.stringify(keys), by.runId, by.toolVersion].map(quoteLiteral)
  const columns = 'tool, history_schema, history_table, keys, run_id, tool_version'
  return (
    `insert into ${quoteIdent(ledgerSchema)}.adoption (${columns}, keep_history) values (${texts.join(', ')}, ${keepHistory}) ` +
    `on conflict (only_row) do update set (${columns}, keep_history, adopted_at) = ` +
    `(${columns
      .split(', ')
      .map(column => `excluded.${column}`)
      .join(', ')}, excluded.keep_history, pg_catalog.clock_timestamp());`
  )
}

/** The table of an adopted history, by the tool that it was adopted from: it may have any name. Undefined: it is gone. */
export async function adoptedTable(
  session: Session,
  ledgerSchema: string,
  { tool, schema, table }: Pick<Adoption, 'tool' | 'schema' | 'table'>,
): Promise<HistoryTable | undefined> {
  const found = await findHistory(session, ledgerSchema, { tool, history: `${schema}.${table}` })
  return isFound(found) ? found : undefined
}
