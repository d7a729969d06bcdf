// Policies of row level security; whether it is on is the table's.

import { migratorRole } from './catalog.ts'
import { type Kinds, literal, relation, relations, roleName, words } from './kind.ts'

/** As CREATE POLICY takes them. */
const roles = `(select string_agg(case when x.name in ('PUBLIC', ${literal(migratorRole)}) then x.name else quote_ident(x.name) end, ', ' order by x.name)
  from (select ${roleName('r.oid')} as name from unnest(p.polroles) r(oid)) x)`

export const policies: Kinds = () => [
  {
    kind: literal('policy'),
    catalog: 'pg_policy',
    oid: 'p.oid',
    from: `${relations('rpf')} join pg_policy p on p.polrelid = c.oid`,
    name: "format('%I.%I.%I', n.nspname, c.relname, p.polname)",
    parent: relation,
    within: { catalog: 'pg_class', oid: 'c.oid' },
    properties: {
      command: words('p.polcmd', { r: 'select', a: 'insert', w: 'update', d: 'delete', '*': 'all' }),
      mode: "case when p.polpermissive then 'permissive' else 'restrictive' end",
      roles,
      using: 'pg_get_expr(p.polqual, p.polrelid)',
      'with check': 'pg_get_expr(p.polwithcheck, p.polrelid)',
    },
  },
]
