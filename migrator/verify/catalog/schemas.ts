// Schemas.

import { type Kinds, literal, ownSchema } from './kind.ts'

export const schemas: Kinds = () => [
  {
    kind: literal('schema'),
    catalog: 'pg_namespace',
    oid: 'n.oid',
    from: 'pg_namespace n',
    where: ownSchema,
    name: "format('%I', n.nspname)",
    owner: 'n.nspowner',
    grants: { list: 'n.nspacl', type: "'n'", owner: 'n.nspowner' },
  },
]
