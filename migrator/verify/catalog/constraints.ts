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

/**
 * The triggers that keep a foreign key: ALTER TABLE ... DISABLE TRIGGER ALL switches them off. Each partition of the table
 * that it refers to has its own, and a row of its own for them.
 */
const disabled = `(with recursive up (trigger, oid) as (
    select t.oid, t.tgconstraint from pg_trigger t where t.tgisinternal and t.tgenabled <> 'O'
    union all select up.trigger, above.oid from up join pg_constraint k on k.oid = up.oid
      join pg_constraint above on above.oid = k.conparentid and above.conrelid = k.conrelid)
  select up.oid, string_agg(distinct t.tgrelid::regclass::text, ', ') as tables,
    jsonb_agg(format('alter table %s enable trigger %I', t.tgrelid::regclass, t.tgname) order by t.tgname) as statements
  from up join pg_trigger t on t.oid = up.trigger group by up.oid) disabled`

/** The key of the outermost table that a partition's has been made from, or attached to. */
const ofRoot = `(with recursive up (oid, root) as (
    select k.oid, k.conparentid from pg_constraint k where k.conparentid <> 0
    union all select up.oid, k.conparentid from up join pg_constraint k on k.oid = up.root and k.conparentid <> 0)
  select up.oid, format('%I.%I.%I', rn.nspname, rt.relname, r.conname) as name from up join pg_constraint r on r.oid = up.root and r.conparentid = 0
    join pg_class rt on rt.oid = r.conrelid join pg_namespace rn on rn.oid = rt.relnamespace) root`

export const constraints: Kinds = version => {
  const validity = flag(`not k.convalidated ${since(version, 180000, 'and k.conenforced', '')}`, 'not valid')
  const ofTables: Kind = {
    kind: literal('constraint'),
    catalog: 'pg_constraint',
    oid: 'k.oid',
    from: `pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace and ${ownSchema}
      left join pg_class ic on ic.oid = k.conindid and k.contype in ('p', 'u', 'x') left join pg_index i on i.indexrelid = ic.oid
      left join pg_tablespace s on s.oid = ic.reltablespace
      left join pg_constraint up on up.oid = k.conparentid left join ${ofRoot} on root.oid = k.oid left join ${disabled} on disabled.oid = k.oid`,
    where: "k.contype in ('c', 'f', 'p', 'u', 'x') and up.conrelid is distinct from k.conrelid",
    // as an index of a partition
    name: "format('%I.%I', n.nspname, c.relname) || coalesce(' (part of ' || root.name || ')', format('.%I', k.conname))",
    parent: relation,
    within: { catalog: 'pg_class', oid: 'c.oid' },
    properties: {
      definition,
      validity,
      triggers: "'disabled on ' || disabled.tables",
      'enabled by': 'disabled.statements',
      index: flag('not i.indisvalid', 'invalid'),
      clustered: flag('i.indisclustered', 'yes'),
      'replica identity': flag('i.indisreplident', 'yes'),
      tablespace: 's.spcname',
      'inherited from': `case when root.name is null then ${inheritedFrom('k.coninhcount > 0', 'constraint', 'k.conname')} else jsonb_build_array('constraint ' || root.name) end`,
      'comment on its index': "obj_description(ic.oid, 'pg_class')",
      'own name': "case when root.name is not null then format('%I.%I', n.nspname, k.conname) end",
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
