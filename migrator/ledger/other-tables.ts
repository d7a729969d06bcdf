// The tables of the project itself: whether the database was migrated before there was a ledger, and where they are.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { type FilledSchema, isProjectsTable } from '../../gate/protocol/emptied.ts'
import type { Session } from '../postgres/session.ts'
import { ledgerTables } from './table.ts'

/**
 * How many tables there are, without the ledger's own and those of extensions (PostGIS and its kind bring some). A ledger
 * may share its schema with the project's tables.
 */
export async function countTables(session: Session, ledgerSchema: string): Promise<number> {
  const { rows } = await session.query<{ tables: number }>(
    `select pg_catalog.count(*)::int as tables
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where ${isProjectsTable} and n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema'
        and (n.nspname <> ${quoteLiteral(ledgerSchema)} or c.relname not in (${Object.keys(ledgerTables).map(quoteLiteral).join(', ')}))`,
  )
  return rows[0]!.tables
}

/**
 * The schemas with tables in which migrations may have made them: the one in which unqualified names are, and those that
 * `isNamed` knows. Not the ledger's own: who drops that drops the ledger.
 * @param counts the tables that count, as {@link isProjectsTable}.
 */
export async function filledSchemas(
  session: Session,
  ledgerSchema: string,
  isNamed: (schema: string) => boolean,
  counts = isProjectsTable,
): Promise<readonly FilledSchema[]> {
  const { rows } = await session.query<FilledSchema & { isFirst: boolean; [column: string]: unknown }>(
    `select n.nspname::text as schema, pg_catalog.min(c.relname::text collate "C") as table, n.nspname = pg_catalog.current_schema() as "isFirst"
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where ${counts} and n.nspname::text !~ '^pg_' and n.nspname not in ('information_schema', ${quoteLiteral(ledgerSchema)})
      group by n.nspname order by n.nspname collate "C"`,
  )
  return rows.filter(({ schema, isFirst }) => isFirst || isNamed(schema))
}
