// Extensions. What they bring is theirs: it does not count.

import { type Kinds, literal } from './kind.ts'

export const extensions: Kinds = () => [
  {
    kind: literal('extension'),
    catalog: 'pg_extension',
    oid: 'e.oid',
    from: 'pg_extension e join pg_namespace n on n.oid = e.extnamespace',
    name: "format('%I', e.extname)",
    properties: { version: 'e.extversion', schema: "format('%I', n.nspname)" },
  },
]
