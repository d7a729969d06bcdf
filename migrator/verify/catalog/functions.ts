// Functions and procedures; aggregates, which are functions of functions.

import { flag, functionName, isInternal, type Kinds, literal, ownSchema, withExtension, words } from './kind.ts'

const volatility = words('p.provolatile', { i: 'immutable', s: 'stable', v: 'volatile' })
const parallel = words('p.proparallel', { s: 'safe', r: 'restricted', u: 'unsafe' })

/** The constructors of a range type are that type's. */
const from = `pg_proc p join pg_namespace n on n.oid = p.pronamespace and ${ownSchema}
  and not ${isInternal('pg_proc', 'p.oid')}`

const common = {
  catalog: 'pg_proc',
  oid: 'p.oid',
  name: 'p.oid::regprocedure::text',
  owner: 'p.proowner',
  grants: { list: 'p.proacl', type: "'f'", owner: 'p.proowner' },
} as const

export const functions: Kinds = () => [
  {
    ...common,
    kind: words('p.prokind', { f: 'function', w: 'function', p: 'procedure' }),
    from: `${from} and p.prokind <> 'a' join pg_language l on l.oid = p.prolang`,
    properties: {
      arguments: 'pg_get_function_arguments(p.oid)',
      returns: 'pg_get_function_result(p.oid)',
      language: 'quote_ident(l.lanname)',
      // a file that was checked out with other line ends is the same migration
      body: "replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), e'\\r\\n', e'\\n')",
      library: 'p.probin',
      volatility,
      security: flag('p.prosecdef', 'definer'),
      leakproof: flag('p.proleakproof', 'yes'),
      strict: flag('p.proisstrict', 'yes'),
      window: flag("p.prokind = 'w'", 'yes'),
      parallel,
      cost: 'p.procost::text',
      rows: 'nullif(p.prorows, 0)::text',
      support: functionName('p.prosupport'),
      transforms:
        "(select string_agg(x.type::regtype::text, ', ' order by x.type::regtype::text) from unnest(p.protrftypes) x(type))",
    },
    more: [
      `(select jsonb_object_agg('setting ' || split_part(x.setting, '=', 1), substr(x.setting, strpos(x.setting, '=') + 1)) from unnest(p.proconfig) x(setting))`,
      withExtension('pg_proc', 'p.oid'),
    ],
  },
  {
    ...common,
    kind: literal('aggregate'),
    from: `${from} and p.prokind = 'a' join pg_aggregate a on a.aggfnoid = p.oid`,
    properties: {
      arguments: 'pg_get_function_arguments(p.oid)',
      returns: 'pg_get_function_result(p.oid)',
      kind: words('a.aggkind', { o: 'ordered-set', h: 'hypothetical-set' }),
      'transition function': functionName('a.aggtransfn'),
      'state type': 'a.aggtranstype::regtype::text',
      'state size': 'nullif(a.aggtransspace, 0)::text',
      'initial state': 'a.agginitval',
      'final function': functionName('a.aggfinalfn'),
      'final function gets all arguments': flag('a.aggfinalextra', 'yes'),
      'final function changes the state': words('a.aggfinalmodify', { s: 'shareable', w: 'read-write' }),
      'combine function': functionName('a.aggcombinefn'),
      'serialize function': functionName('a.aggserialfn'),
      'deserialize function': functionName('a.aggdeserialfn'),
      'moving transition function': functionName('a.aggmtransfn'),
      'moving inverse function': functionName('a.aggminvtransfn'),
      'moving final function': functionName('a.aggmfinalfn'),
      'moving final function gets all arguments': flag('a.aggmfinalextra', 'yes'),
      'moving final function changes the state': words('a.aggmfinalmodify', { s: 'shareable', w: 'read-write' }),
      'moving state size': 'nullif(a.aggmtransspace, 0)::text',
      'moving state type': 'nullif(a.aggmtranstype, 0)::regtype::text',
      'moving initial state': 'a.aggminitval',
      'sort operator': 'nullif(a.aggsortop, 0)::regoperator::text',
      parallel,
    },
  },
]
