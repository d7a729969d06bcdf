// Casts.

import { firstUserOid, functionName, isInternal, type Kinds, literal, words } from './kind.ts'

export const casts: Kinds = () => [
  {
    kind: literal('cast'),
    catalog: 'pg_cast',
    oid: 'k.oid',
    from: 'pg_cast k',
    // the cast of a range type to its multirange is that type's
    where: `k.oid >= ${firstUserOid} and not ${isInternal('pg_cast', 'k.oid')}`,
    name: "format('%s as %s', k.castsource::regtype, k.casttarget::regtype)",
    properties: {
      function: functionName('k.castfunc'),
      method: words('k.castmethod', { f: 'a function', i: 'input and output', b: 'none' }),
      context: words('k.castcontext', { e: 'explicit', a: 'in assignments', i: 'implicit' }),
    },
  },
]
