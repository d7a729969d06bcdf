// Operators, their classes and families.

import { flag, functionName, type Kinds, literal, nameOf, ownSchema, qualified } from './kind.ts'

const familyMembers = [
  `(select jsonb_object_agg(format('operator %s (%s, %s)', o.amopstrategy, o.amoplefttype::regtype, o.amoprighttype::regtype),
      o.amopopr::regoperator::text || coalesce(' for order by ' || ${nameOf('pg_opfamily', 'opf', 'nullif(o.amopsortfamily, 0)')}, ''))
    from pg_amop o where o.amopfamily = f.oid)`,
  `(select jsonb_object_agg(format('function %s (%s, %s)', o.amprocnum, o.amproclefttype::regtype, o.amprocrighttype::regtype), o.amproc::regprocedure::text)
    from pg_amproc o where o.amprocfamily = f.oid)`,
]

export const operators: Kinds = () => [
  {
    kind: literal('operator'),
    catalog: 'pg_operator',
    oid: 'o.oid',
    from: `pg_operator o join pg_namespace n on n.oid = o.oprnamespace and ${ownSchema} and o.oprcode <> 0`,
    name: 'o.oid::regoperator::text',
    owner: 'o.oprowner',
    properties: {
      function: functionName('o.oprcode'),
      result: 'o.oprresult::regtype::text',
      commutator: 'nullif(o.oprcom, 0)::regoperator::text',
      negator: 'nullif(o.oprnegate, 0)::regoperator::text',
      restrict: functionName('o.oprrest'),
      join: functionName('o.oprjoin'),
      hashes: flag('o.oprcanhash', 'yes'),
      merges: flag('o.oprcanmerge', 'yes'),
    },
  },
  {
    kind: literal('operator family'),
    catalog: 'pg_opfamily',
    oid: 'f.oid',
    from: `pg_opfamily f join pg_namespace n on n.oid = f.opfnamespace and ${ownSchema} join pg_am m on m.oid = f.opfmethod`,
    name: `${qualified('n.nspname', 'f.opfname')} || ' using ' || m.amname`,
    owner: 'f.opfowner',
    more: familyMembers,
  },
  {
    kind: literal('operator class'),
    catalog: 'pg_opclass',
    oid: 'k.oid',
    from: `pg_opclass k join pg_namespace n on n.oid = k.opcnamespace and ${ownSchema} join pg_am m on m.oid = k.opcmethod`,
    name: `${qualified('n.nspname', 'k.opcname')} || ' using ' || m.amname`,
    owner: 'k.opcowner',
    properties: {
      type: 'k.opcintype::regtype::text',
      storage: 'nullif(k.opckeytype, 0)::regtype::text',
      default: flag('k.opcdefault', 'yes'),
      family: nameOf('pg_opfamily', 'opf', 'k.opcfamily'),
    },
  },
]
