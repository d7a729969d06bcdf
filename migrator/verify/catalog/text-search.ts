// Text search: configurations, dictionaries, parsers, templates.

import { functionName, type Kinds, literal, nameOf, ownSchema, qualified } from './kind.ts'

export const textSearch: Kinds = () => [
  {
    kind: literal('text search configuration'),
    catalog: 'pg_ts_config',
    oid: 'c.oid',
    from: `pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace and ${ownSchema}`,
    name: qualified('n.nspname', 'c.cfgname'),
    owner: 'c.cfgowner',
    properties: { parser: nameOf('pg_ts_parser', 'prs', 'c.cfgparser') },
    more: [
      `(select jsonb_object_agg('mapping for ' || x.alias, x.dictionaries) from (
         select t.alias, string_agg(m.mapdict::regdictionary::text, ', ' order by m.mapseqno) as dictionaries
         from pg_ts_config_map m join ts_token_type(c.cfgparser) t on t.tokid = m.maptokentype where m.mapcfg = c.oid group by t.alias) x)`,
    ],
  },
  {
    kind: literal('text search dictionary'),
    catalog: 'pg_ts_dict',
    oid: 'd.oid',
    from: `pg_ts_dict d join pg_namespace n on n.oid = d.dictnamespace and ${ownSchema}`,
    name: qualified('n.nspname', 'd.dictname'),
    owner: 'd.dictowner',
    properties: { template: nameOf('pg_ts_template', 'tmpl', 'd.dicttemplate'), options: 'd.dictinitoption' },
  },
  {
    kind: literal('text search parser'),
    catalog: 'pg_ts_parser',
    oid: 'p.oid',
    from: `pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace and ${ownSchema}`,
    name: qualified('n.nspname', 'p.prsname'),
    properties: {
      start: functionName('p.prsstart'),
      token: functionName('p.prstoken'),
      end: functionName('p.prsend'),
      headline: functionName('p.prsheadline'),
      'token types': functionName('p.prslextype'),
    },
  },
  {
    kind: literal('text search template'),
    catalog: 'pg_ts_template',
    oid: 't.oid',
    from: `pg_ts_template t join pg_namespace n on n.oid = t.tmplnamespace and ${ownSchema}`,
    name: qualified('n.nspname', 't.tmplname'),
    properties: { init: functionName('t.tmplinit'), lexize: functionName('t.tmpllexize') },
  },
]
