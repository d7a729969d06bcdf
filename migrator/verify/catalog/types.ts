// Types: enums, domains, composite and range types, base types.

import {
  flag,
  functionName,
  type Kind,
  type Kinds,
  literal,
  nameOf,
  ownSchema,
  qualified,
  relations,
  words,
} from './kind.ts'

const name = qualified('n.nspname', 't.typname')
const from = (kind: string) =>
  `pg_type t join pg_namespace n on n.oid = t.typnamespace and ${ownSchema} and t.typtype = ${literal(kind)}`
const common = {
  catalog: 'pg_type',
  oid: 't.oid',
  name,
  owner: 't.typowner',
  grants: { list: 't.typacl', type: "'T'", owner: 't.typowner' },
} as const
const collation = (type: string) => `case when ${type} <> 0 then ${nameOf('pg_collation', 'coll', type)} end`

const enums: Kind = {
  ...common,
  kind: literal('type'),
  from: from('e'),
  properties: {
    form: literal('enum'),
    labels: '(select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)',
  },
}

const domains: Kind = {
  ...common,
  kind: literal('domain'),
  from: `${from('d')} join pg_type b on b.oid = t.typbasetype`,
  properties: {
    type: 'format_type(t.typbasetype, t.typtypmod)',
    nullability: flag('t.typnotnull', 'not null'),
    // a constraint from 17 on
    'comment on its not null': `(select obj_description(k.oid, 'pg_constraint') from pg_constraint k where k.contypid = t.oid and k.contype = 'n')`,
    default: 'coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault)',
    collation: `case when t.typcollation <> b.typcollation then ${collation('t.typcollation')} end`,
  },
}

const ofComposite =
  'order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped'

const composites: Kind = {
  ...common,
  kind: literal('type'),
  from: `${relations('c')} join pg_type t on t.oid = c.reltype`,
  properties: {
    form: literal('composite'),
    attributes: `(select jsonb_agg(a.attname ${ofComposite})`,
    columns: `(select jsonb_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || coalesce(' collate '
      || case when a.attcollation <> (select b.typcollation from pg_type b where b.oid = a.atttypid) then ${nameOf('pg_collation', 'coll', 'a.attcollation')} end, '') ${ofComposite})`,
  },
}

const ranges: Kind = {
  ...common,
  kind: literal('type'),
  from: `${from('r')} join pg_range r on r.rngtypid = t.oid join pg_type s on s.oid = r.rngsubtype`,
  properties: {
    form: literal('range'),
    subtype: 'r.rngsubtype::regtype::text',
    multirange: 'nullif(r.rngmultitypid, 0)::regtype::text',
    collation: `case when r.rngcollation <> s.typcollation then ${collation('r.rngcollation')} end`,
    'operator class': nameOf('pg_opclass', 'opc', 'r.rngsubopc'),
    canonical: functionName('r.rngcanonical'),
    'subtype difference': functionName('r.rngsubdiff'),
  },
}

/** An array is its element's. */
const bases: Kind = {
  ...common,
  kind: literal('type'),
  from: `${from('b')} and not exists (select from pg_type e where e.typarray = t.oid)`,
  properties: {
    form: literal('base'),
    input: functionName('t.typinput'),
    output: functionName('t.typoutput'),
    receive: functionName('t.typreceive'),
    send: functionName('t.typsend'),
    'type modifier input': functionName('t.typmodin'),
    'type modifier output': functionName('t.typmodout'),
    analyze: functionName('t.typanalyze'),
    length: 't.typlen::text',
    'by value': flag('t.typbyval', 'yes'),
    alignment: words('t.typalign', { c: 'char', s: 'int2', i: 'int4', d: 'double' }),
    storage: words('t.typstorage', { p: 'plain', e: 'external', m: 'main', x: 'extended' }),
    category: 't.typcategory::text',
    preferred: flag('t.typispreferred', 'yes'),
    default: 't.typdefault',
    element: 'nullif(t.typelem, 0)::regtype::text',
    delimiter: 't.typdelim::text',
    collatable: flag('t.typcollation <> 0', 'yes'),
  },
}

const shells: Kind = {
  ...common,
  kind: literal('type'),
  from: `${from('p')} and not t.typisdefined`,
  properties: { form: literal('shell') },
}

export const types: Kinds = () => [enums, domains, composites, ranges, bases, shells]
