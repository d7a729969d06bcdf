// The tables of the project itself: whether the database was migrated before there was a ledger.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { ledgerTables } from './table.ts'

/**
 * How many tables there are, without the ledger's own and those of extensions (PostGIS and its kind bring some). A ledger
 * may share its schema with the project's tables.
 */
export async function countTables(session: Session, ledgerSchema: string): Promise<number> {
  const { rows } = await session.query<{ tables: number }>(
    `select count(*)::int as tables
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'f') and not c.relispartition
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and (n.nspname <> ${quoteLiteral(ledgerSchema)} or c.relname not in (${Object.keys(ledgerTables).map(quoteLiteral).join(', ')}))
        and not exists (select from pg_catalog.pg_depend d
                         where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`,
  )
  return rows[0]!.tables
}
