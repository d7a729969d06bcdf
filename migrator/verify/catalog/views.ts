// Views and materialized views. Whether one is filled is data.

import { type Kinds, options, qualified, relationKind, relations, withExtension } from './kind.ts'

export const views: Kinds = () => [
  {
    kind: relationKind(),
    catalog: 'pg_class',
    oid: 'c.oid',
    from: `${relations('vm')} left join pg_am am on am.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace
      left join pg_class toast on toast.oid = c.reltoastrelid`,
    name: qualified('n.nspname', 'c.relname'),
    owner: 'c.relowner',
    grants: { list: 'c.relacl', type: "'r'", owner: 'c.relowner' },
    properties: {
      definition: 'pg_get_viewdef(c.oid)',
      columns: `(select jsonb_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`,
      'access method': 'quote_ident(am.amname)',
      tablespace: 's.spcname',
    },
    more: [options('c.reloptions'), options('toast.reloptions', 'option toast.'), withExtension('pg_class', 'c.oid')],
  },
]
