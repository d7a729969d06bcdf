// Indexes that are not a constraint's.

import { flag, type Kinds, literal, qualified, relation, relations, withExtension } from './kind.ts'

/**
 * One that was made for a partition goes by that of the outermost table: its own name depends on the order in which
 * both were made.
 */
const root = 'pg_partition_root(x.oid)::regclass'
const name = `case when h.inhparent is null then ${qualified('xn.nspname', 'x.relname')}
  else format('%I.%I (part of %s)', n.nspname, c.relname, ${root}) end`

/** Without the name, so that one of another name is known for the same. */
const definition = "replace(pg_get_indexdef(i.indexrelid), format(' INDEX %I ON ', x.relname), ' INDEX ON ')"

export const indexes: Kinds = () => [
  {
    kind: literal('index'),
    catalog: 'pg_class',
    oid: 'x.oid',
    from: `${relations('rpm')} join pg_index i on i.indrelid = c.oid join pg_class x on x.oid = i.indexrelid
      join pg_namespace xn on xn.oid = x.relnamespace
      left join pg_inherits h on h.inhrelid = x.oid left join pg_tablespace s on s.oid = x.reltablespace`,
    where: "not exists (select from pg_constraint k where k.conindid = x.oid and k.contype in ('p', 'u', 'x'))",
    name,
    parent: relation,
    within: { catalog: 'pg_class', oid: 'c.oid' },
    properties: {
      definition,
      validity: flag('not (i.indisvalid and i.indisready and i.indislive)', 'invalid'),
      clustered: flag('i.indisclustered', 'yes'),
      'replica identity': flag('i.indisreplident', 'yes'),
      tablespace: 's.spcname',
      'own name': `case when h.inhparent is not null then ${qualified('xn.nspname', 'x.relname')} end`,
      'inherited from': `case when h.inhparent is not null then jsonb_build_array('index ' || ${root}) end`,
      'statistics targets': `(select string_agg(format('%s: %s', a.attnum, a.attstattarget), ', ' order by a.attnum)
        from pg_attribute a where a.attrelid = x.oid and a.attstattarget >= 0)`,
    },
    more: [withExtension('pg_class', 'x.oid')],
  },
]
