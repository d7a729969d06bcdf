// Whose the ledger is: what another role's run has made of it is given to its owner, who is to go on with it.

import { doBlock, quoteLiteral } from '../../gate/postgres/quote.ts'
import { ledgerTable } from '../../gate/protocol/ledger.ts'
import { isLedgerRoutine, ledgerTables } from './table.ts'

/**
 * A statement for whatever may have made tables or functions of the ledger's: what belongs to this session's role is given to
 * the role that owns the table `ledger`. One run by a superuser, or by another member of a group that owns the ledger, would
 * otherwise keep its owner from every later one. Where this role may not, it stays as it is.
 * https://www.postgresql.org/docs/current/sql-altertable.html
 */
export function givenToOwner(schema: string): string {
  const names = Object.keys(ledgerTables).map(quoteLiteral).join(', ')
  return doBlock(
    `for made in select found.what, l.relowner as owner from (
        select pg_catalog.format('table %I.%I', n.nspname, c.relname) as what, c.relowner as owner, n.oid as schema
          from pg_catalog.pg_namespace n join pg_catalog.pg_class c on c.relnamespace = n.oid where c.relkind = 'r' and c.relname in (${names})
        union all
        select pg_catalog.format('routine %I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)), p.proowner, n.oid
          from pg_catalog.pg_namespace n join pg_catalog.pg_proc p on p.pronamespace = n.oid where ${isLedgerRoutine}
      ) found join pg_catalog.pg_class l on l.oid = pg_catalog.to_regclass(${quoteLiteral(ledgerTable(schema))})::pg_catalog.oid and found.schema = l.relnamespace
      where found.owner <> l.relowner and pg_catalog.pg_get_userbyid(found.owner) = current_user loop
        begin
          execute pg_catalog.format('alter %s owner to %I', made.what, pg_catalog.pg_get_userbyid(made.owner));
        exception when insufficient_privilege then
          return;
        end;
      end loop;`,
    'made record;',
  )
}
