// Columns of tables; of views those properties that the view's definition does not have; attributes of composite types.

import { flag, inheritedFrom, type Kinds, literal, nameOf, options, relation, relations, since, words } from './kind.ts'

const columnName = "format('%I.%I.%I', n.nspname, c.relname, a.attname)"
const ofTable = (expression: string) => `case when c.relkind in ('r', 'p', 'f') then ${expression} end`
const attributes =
  'join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped join pg_type t on t.oid = a.atttypid'
const collation = `case when a.attcollation <> t.typcollation then ${nameOf('pg_collation', 'coll', 'a.attcollation')} end`

const notNullOf = "from pg_constraint k where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum]"

/** A typed table has its columns of the type. */
const ofType = `(select jsonb_build_array(format('attribute %I.%I.%I', tn.nspname, ty.typname, a.attname))
  from pg_type ty join pg_namespace tn on tn.oid = ty.typnamespace where ty.oid = c.reloftype)`

export const columns: Kinds = version => [
  {
    kind: literal('column'),
    catalog: 'pg_class',
    oid: 'c.oid',
    sub: 'a.attnum',
    from: `${relations('rpfvm')} ${attributes} left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum`,
    name: columnName,
    parent: relation,
    grants: { list: 'a.attacl', type: "'c'", owner: 'c.relowner' },
    properties: {
      type: ofTable('format_type(a.atttypid, a.atttypmod)'),
      'its type is': ofTable(words('t.typtype', { e: 'an enum' })),
      collation: ofTable(collation),
      nullability: ofTable(notNull(version)),
      'comment on its not null': since(
        version,
        180000,
        `(select obj_description(k.oid, 'pg_constraint') ${notNullOf})`,
      ),
      'name of its not null': since(version, 180000, `(select quote_ident(k.conname) ${notNullOf})`),
      default: "case a.attgenerated when '' then pg_get_expr(d.adbin, d.adrelid) end",
      generated: `${words('a.attgenerated', { s: 'stored', v: 'virtual' })} || ': ' || pg_get_expr(d.adbin, d.adrelid)`,
      identity: words(ownIdentity(version), { a: 'always', d: 'by default' }),
      storage: `case when a.attstorage <> t.typstorage then ${words('a.attstorage', { p: 'plain', e: 'external', m: 'main', x: 'extended' })} end`,
      compression: words('a.attcompression', { p: 'pglz', l: 'lz4' }),
      'statistics target': 'nullif(a.attstattarget, -1)::text',
      'inherited from': `case when c.reloftype <> 0 then ${ofType} else ${inheritedFrom('a.attinhcount > 0', 'column', 'a.attname')} end`,
    },
    more: [options('a.attoptions'), options('a.attfdwoptions')],
  },
  {
    kind: literal('attribute'),
    catalog: 'pg_class',
    oid: 'c.oid',
    sub: 'a.attnum',
    from: `${relations('c')} ${attributes}`,
    name: columnName,
    parent: relation,
    within: { catalog: 'pg_type', oid: 'c.reltype' },
    properties: { type: 'format_type(a.atttypid, a.atttypmod)', collation },
  },
]

/** From 17 on a partition has that of its table. */
const ownIdentity = (version: number) =>
  since(version, 170000, 'case when not c.relispartition then a.attidentity end', 'a.attidentity')

/** From 18 on it is a constraint with a name; the name is Postgres' own affair as long as it is not asked for. */
function notNull(version: number): string {
  const constraint = `(select ${flag('not k.convalidated', ', not valid')} ${notNullOf})`
  const inherit = `(select ${flag('k.connoinherit', ', no inherit')} ${notNullOf})`
  return `case when a.attnotnull then 'not null' ${since(version, 180000, `|| coalesce(${constraint}, '') || coalesce(${inherit}, '')`, '')} end`
}
