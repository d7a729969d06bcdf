// What a session's first question asks of the ledger: whether it may be read as it stands. A session that has just begun
// plans each table of the catalogue for some tenths of a millisecond, so that condition.ts is asked where it matters.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { commentOn } from '../../gate/protocol/emptied.ts'
import { isSubscribed } from '../../gate/protocol/subscribed.ts'
import { type LedgerTable, ledgerTables } from './table.ts'

/** One of the ledger's tables at a first look. */
export interface LookedAt {
  readonly table: LedgerTable
  /** A table, row level security is off, and its rows do not come from another database. */
  readonly plain: boolean
  /** This session may read it. */
  readonly readable: boolean
  readonly comment: string | null
}

/** An expression of type json: an array of {@link LookedAt}, or null where there is no schema or none of the tables. */
export function firstLook(schema: string): string {
  return `(select pg_catalog.json_agg(pg_catalog.json_build_object('table', c.relname,
      'plain', c.relkind = 'r' and not c.relrowsecurity and not c.relforcerowsecurity and not ${isSubscribed('c.oid')}, 'readable',
      pg_catalog.has_schema_privilege(c.relnamespace, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select'), 'comment', ${commentOn('c.oid')}))
    from pg_catalog.pg_class c where c.relname in (${Object.keys(ledgerTables).map(quoteLiteral).join(', ')})
      and c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = ${quoteLiteral(schema)}))`
}
