// Casts.

import { firstUserOid, functionName, type Kinds, literal, words } from './kind.ts'

export const casts: Kinds = () => [
  {
    kind: literal('cast'),
    catalog: 'pg_cast',
    oid: 'k.oid',
    from: 'pg_cast k',
    where: `k.oid >= ${firstUserOid}`,
    name: "format('%s as %s', k.castsource::regtype, k.casttarget::regtype)",
    properties: {
      function: functionName('k.castfunc'),
      method: words('k.castmethod', { f: 'a function', i: 'input and output', b: 'none' }),
      context: words('k.castcontext', { e: 'explicit', a: 'in assignments', i: 'implicit' }),
    },
  },
]
