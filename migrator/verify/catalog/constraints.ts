// Constraints of tables and domains: primary and foreign keys, unique, check, exclusion.

import {
  flag,
  inheritedFrom,
  type Kind,
  type Kinds,
  literal,
  options,
  ownSchema,
  qualified,
  relation,
  since,
} from './kind.ts'

/** Validity is a property of its own, so that a constraint that waits for VALIDATE is not taken for another one. */
const definition = "regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '')"

/** The triggers that keep a foreign key: ALTER TABLE ... DISABLE TRIGGER ALL switches them off. */
const disabled = `(select 'disabled on ' || string_agg(distinct t.tgrelid::regclass::text, ', ') from pg_trigger t
  where t.tgconstraint = k.oid and t.tgisinternal and t.tgenabled <> 'O')`

export const constraints: Kinds = version => {
  const validity = flag(`not k.convalidated ${since(version, 180000, 'and k.conenforced', '')}`, 'not valid')
  const ofTables: Kind = {
    kind: literal('constraint'),
    catalog: 'pg_constraint',
    oid: 'k.oid',
    // those of partitions that follow their parent's have no life of their own
    from: `pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace and ${ownSchema}
      left join pg_class ic on ic.oid = k.conindid and k.contype in ('p', 'u', 'x') left join pg_index i on i.indexrelid = ic.oid
      left join pg_tablespace s on s.oid = ic.reltablespace`,
    where: "k.contype in ('c', 'f', 'p', 'u', 'x') and k.conparentid = 0",
    name: "format('%I.%I.%I', n.nspname, c.relname, k.conname)",
    parent: relation,
    within: { catalog: 'pg_class', oid: 'c.oid' },
    properties: {
      definition,
      validity,
      triggers: disabled,
      index: flag('not i.indisvalid', 'invalid'),
      clustered: flag('i.indisclustered', 'yes'),
      'replica identity': flag('i.indisreplident', 'yes'),
      tablespace: 's.spcname',
      'inherited from': inheritedFrom('k.coninhcount > 0', 'constraint', 'k.conname'),
      'comment on its index': "obj_description(ic.oid, 'pg_class')",
      'of a partitioned table': flag("c.relkind = 'p'", 'yes'),
    },
    more: [options('ic.reloptions')],
  }
  const ofDomains: Kind = {
    kind: literal('constraint'),
    catalog: 'pg_constraint',
    oid: 'k.oid',
    from: `pg_constraint k join pg_type t on t.oid = k.contypid join pg_namespace n on n.oid = t.typnamespace and ${ownSchema}`,
    where: "k.contype = 'c'",
    name: "format('%I.%I.%I', n.nspname, t.typname, k.conname)",
    parent: `'domain ' || ${qualified('n.nspname', 't.typname')}`,
    within: { catalog: 'pg_type', oid: 't.oid' },
    properties: { definition, validity },
  }
  return [ofTables, ofDomains]
}
