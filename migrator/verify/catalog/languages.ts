// Languages, transforms, and access methods.

import { firstUserOid, flag, functionName, type Kinds, literal, words } from './kind.ts'

export const languages: Kinds = () => [
  {
    kind: literal('language'),
    catalog: 'pg_language',
    oid: 'l.oid',
    from: 'pg_language l',
    where: `l.oid >= ${firstUserOid}`,
    name: "format('%I', l.lanname)",
    owner: 'l.lanowner',
    grants: { list: 'l.lanacl', type: "'l'", owner: 'l.lanowner' },
    properties: {
      trusted: flag('not l.lanpltrusted', 'no'),
      handler: functionName('l.lanplcallfoid'),
      inline: functionName('l.laninline'),
      validator: functionName('l.lanvalidator'),
    },
  },
  {
    kind: literal('transform'),
    catalog: 'pg_transform',
    oid: 't.oid',
    from: 'pg_transform t join pg_language l on l.oid = t.trflang',
    name: "format('for %s language %I', t.trftype::regtype, l.lanname)",
    properties: { 'from SQL': functionName('t.trffromsql'), 'to SQL': functionName('t.trftosql') },
  },
  {
    kind: literal('access method'),
    catalog: 'pg_am',
    oid: 'm.oid',
    from: 'pg_am m',
    where: `m.oid >= ${firstUserOid}`,
    name: "format('%I', m.amname)",
    properties: { type: words('m.amtype', { i: 'index', t: 'table' }), handler: functionName('m.amhandler') },
  },
]
