// Rules; the one that makes a view is the view.

import { type Kinds, literal, relation, relations, words } from './kind.ts'

export const rules: Kinds = () => [
  {
    kind: literal('rule'),
    catalog: 'pg_rewrite',
    oid: 'r.oid',
    from: `${relations('rpfv')} join pg_rewrite r on r.ev_class = c.oid and r.rulename <> '_RETURN'`,
    name: "format('%I.%I.%I', n.nspname, c.relname, r.rulename)",
    parent: relation,
    within: { catalog: 'pg_class', oid: 'c.oid' },
    properties: {
      definition: 'pg_get_ruledef(r.oid)',
      state: words('r.ev_enabled', { D: 'disabled', R: 'fires on replicas only', A: 'fires always' }),
    },
  },
]
