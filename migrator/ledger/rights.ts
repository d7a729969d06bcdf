// The tables of every ledger in the database, whatever schema it is in: no app's role may change them.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { ledgerTables as shapes } from './table.ts'

/** A query for `oid`, `relname`, `relnamespace` and `relowner` of every ledger's tables, whatever schemas they are in. */
export const ledgerTables = `select c.oid, c.relname, c.relnamespace, c.relowner
  from pg_catalog.pg_class c where c.relkind = 'r' and (${Object.entries(shapes)
    .map(
      ([name, columns]) =>
        `c.relname = ${quoteLiteral(name)} and ${columns.length} = (select pg_catalog.count(*) from pg_catalog.pg_attribute a where a.attrelid = c.oid and not a.attisdropped and a.attname in (${columns.map(quoteLiteral).join(', ')}))`,
    )
    .join(' or ')})`

/**
 * A statement for the transaction that makes a ledger: takes from its tables what default privileges have given to others,
 * such as to the role of another service's app. An operator's own later grants are left.
 */
export function ledgerIsReadOnly(schema: string): string {
  return `do ${quoteLiteral(`declare
  excess record;
begin
  for excess in
    select pg_catalog.format('%I.%I', n.nspname, l.relname) as name, case x.grantee when '0' then 'public' else pg_catalog.quote_ident(r.rolname) end as grantee
    from (${ledgerTables}) as l join pg_catalog.pg_class c on c.oid = l.oid join pg_catalog.pg_namespace n on n.oid = l.relnamespace
      join pg_catalog.pg_default_acl d on d.defaclrole = l.relowner and d.defaclnamespace in ('0', n.oid) and d.defaclobjtype = 'r',
      pg_catalog.aclexplode(d.defaclacl) as x left join pg_catalog.pg_roles r on r.oid = x.grantee
    where n.nspname = ${quoteLiteral(schema)} and x.grantee <> l.relowner and pg_catalog.pg_has_role(l.relowner, 'USAGE')
    group by 1, 2
  loop
    execute pg_catalog.format('revoke insert, update, delete, truncate, references, trigger on table %s from %s', excess.name, excess.grantee);
  end loop;
end`)};`
}
