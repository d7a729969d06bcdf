// Views and materialized views. Whether one is filled is data.

import { type Kinds, options, qualified, relationKind, relations } from './kind.ts'

export const views: Kinds = () => [
  {
    kind: relationKind(),
    catalog: 'pg_class',
    oid: 'c.oid',
    from: `${relations('vm')} left join pg_am am on am.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace`,
    name: qualified('n.nspname', 'c.relname'),
    owner: 'c.relowner',
    grants: { list: 'c.relacl', type: "'r'", owner: 'c.relowner' },
    properties: {
      definition: 'pg_get_viewdef(c.oid)',
      'access method': 'am.amname',
      tablespace: 's.spcname',
    },
    more: [options('c.reloptions')],
  },
]
