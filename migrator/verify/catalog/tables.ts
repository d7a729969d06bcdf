// Tables, partitioned and foreign ones with them.

import { flag, guardedOptions, type Kinds, options, qualified, relationKind, relations, words } from './kind.ts'

const parents = `(select string_agg(${qualified('pn.nspname', 'p.relname')}, ', ' order by i.inhseqno)
  from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
  where i.inhrelid = c.oid)`

export const tables: Kinds = () => [
  {
    kind: relationKind(),
    catalog: 'pg_class',
    oid: 'c.oid',
    from: `${relations('rpf')}
      left join pg_am am on am.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace
      left join pg_class toast on toast.oid = c.reltoastrelid
      left join pg_foreign_table ft on ft.ftrelid = c.oid left join pg_foreign_server fs on fs.oid = ft.ftserver`,
    name: qualified('n.nspname', 'c.relname'),
    owner: 'c.relowner',
    grants: { list: 'c.relacl', type: "'r'", owner: 'c.relowner' },
    properties: {
      persistence: words('c.relpersistence', { u: 'unlogged' }),
      'access method': 'quote_ident(am.amname)',
      tablespace: 's.spcname',
      'row security': flag('c.relrowsecurity', 'enabled'),
      'row security for the owner': flag('c.relforcerowsecurity', 'forced'),
      'replica identity': words('c.relreplident', { f: 'full', n: 'nothing', i: 'an index' }),
      'of type': 'nullif(c.reloftype, 0)::regtype::text',
      'partition key': "case c.relkind when 'p' then pg_get_partkeydef(c.oid) end",
      partition: `case when c.relispartition then ${parents} || ' ' || pg_get_expr(c.relpartbound, c.oid)
        || case when exists (select from pg_inherits i where i.inhrelid = c.oid and i.inhdetachpending) then ' (being detached)' else '' end end`,
      inherits: `case when not c.relispartition then ${parents} end`,
      server: 'quote_ident(fs.srvname)',
      'column order': `(select jsonb_agg(a.attname order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`,
    },
    more: [
      options('c.reloptions'),
      options('toast.reloptions', 'option toast.'),
      guardedOptions('ft.ftoptions', "o.option_name !~* 'password|secret|token|key'"),
    ],
  },
]
