// Extended statistics.

import { type Kinds, literal, ownSchema, qualified } from './kind.ts'

export const statistics: Kinds = () => [
  {
    kind: literal('statistics'),
    catalog: 'pg_statistic_ext',
    oid: 's.oid',
    from: `pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace and ${ownSchema}
      join pg_class t on t.oid = s.stxrelid join pg_namespace tn on tn.oid = t.relnamespace`,
    name: qualified('n.nspname', 's.stxname'),
    parent: `case t.relkind when 'm' then 'materialized view ' when 'f' then 'foreign table ' else 'table ' end || ${qualified('tn.nspname', 't.relname')}`,
    within: { catalog: 'pg_class', oid: 't.oid' },
    owner: 's.stxowner',
    properties: {
      definition: 'pg_get_statisticsobjdef(s.oid)',
      'statistics target': 'nullif(s.stxstattarget, -1)::text',
    },
  },
]
