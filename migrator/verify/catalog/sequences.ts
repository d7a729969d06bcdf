// Sequences; where they stand is data.

import { flag, type Kinds, literal, qualified, relations, words } from './kind.ts'

export const sequences: Kinds = () => [
  {
    kind: literal('sequence'),
    catalog: 'pg_class',
    oid: 'c.oid',
    from: `${relations('S')} join pg_sequence s on s.seqrelid = c.oid
      left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
        and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
      left join pg_class t on t.oid = d.refobjid left join pg_namespace tn on tn.oid = t.relnamespace
      left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid`,
    name: qualified('n.nspname', 'c.relname'),
    parent: `case when d.deptype = 'i' then format('column %I.%I.%I', tn.nspname, t.relname, a.attname)
      when d.deptype = 'a' then format('table %I.%I', tn.nspname, t.relname) end`,
    owner: 'c.relowner',
    grants: { list: 'c.relacl', type: "'s'", owner: 'c.relowner' },
    properties: {
      type: 's.seqtypid::regtype::text',
      start: 's.seqstart::text',
      increment: 's.seqincrement::text',
      minimum: 's.seqmin::text',
      maximum: 's.seqmax::text',
      cache: 's.seqcache::text',
      cycle: flag('s.seqcycle', 'yes'),
      persistence: words('c.relpersistence', { u: 'unlogged' }),
      'owned by': "case when d.objid is not null then format('%I.%I.%I', tn.nspname, t.relname, a.attname) end",
    },
  },
]
