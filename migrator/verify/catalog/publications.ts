// Logical replication: publications; subscriptions without how they connect, which may hold a password.

import { flag, type Kind, type Kinds, literal, qualified, since, words } from './kind.ts'

const operations = `array_to_string(array[${['insert', 'update', 'delete', 'truncate'].map(verb => `case when p.pub${verb} then '${verb}' end`).join(', ')}], ', ')`

const tables = (version: number) =>
  `(select jsonb_object_agg('table ' || ${qualified('tn.nspname', 't.relname')}, ${
    version >= 150000
      ? `coalesce('columns ' || (select string_agg(quote_ident(a.attname), ', ' order by a.attname) from pg_attribute a where a.attrelid = t.oid and a.attnum = any (r.prattrs)), 'all columns')
       || coalesce(' where ' || pg_get_expr(r.prqual, t.oid), '')`
      : "'all columns'"
  }) from pg_publication_rel r join pg_class t on t.oid = r.prrelid join pg_namespace tn on tn.oid = t.relnamespace where r.prpubid = p.oid)`

const schemas = `(select jsonb_object_agg(format('schema %I', s.nspname), 'all tables')
  from pg_publication_namespace r join pg_namespace s on s.oid = r.pnnspid where r.pnpubid = p.oid)`

export const publications: Kinds = version => [
  {
    kind: literal('publication'),
    catalog: 'pg_publication',
    oid: 'p.oid',
    from: 'pg_publication p',
    name: "format('%I', p.pubname)",
    owner: 'p.pubowner',
    properties: {
      tables: flag('p.puballtables', 'all'),
      operations,
      'publish via partition root': flag('p.pubviaroot', 'yes'),
      'generated columns': since(version, 180000, words('p.pubgencols', { s: 'stored' })),
    },
    more: [tables(version), ...(version >= 150000 ? [schemas] : [])],
  },
  subscriptions(version),
]

function subscriptions(version: number): Kind {
  return {
    kind: literal('subscription'),
    catalog: 'pg_subscription',
    oid: 's.oid',
    from: 'pg_subscription s',
    where: 's.subdbid = (select oid from pg_database where datname = current_database())',
    name: "format('%I', s.subname)",
    owner: 's.subowner',
    properties: {
      state: flag('not s.subenabled', 'disabled'),
      publications: "(select string_agg(x.name, ', ' order by x.name) from unnest(s.subpublications) x(name))",
      slot: 's.subslotname::text',
      'synchronous commit': 's.subsynccommit',
      binary: flag('s.subbinary', 'yes'),
      streaming: since(
        version,
        160000,
        words('s.substream', { t: 'on', p: 'parallel' }),
        words('s.substream', { true: 'on' }),
      ),
      'two phase': since(version, 150000, flag("s.subtwophasestate <> 'd'", 'yes')),
      'disable on error': since(version, 150000, flag('s.subdisableonerr', 'yes')),
      origin: since(version, 160000, 's.suborigin'),
      'run as owner': since(version, 160000, flag('s.subrunasowner', 'yes')),
      'password required': since(version, 160000, flag('not s.subpasswordrequired', 'no')),
      failover: since(version, 170000, flag('s.subfailover', 'yes')),
    },
  }
}
