// Collations and conversions of encodings.

import { flag, functionName, type Kinds, literal, ownSchema, qualified, since, words } from './kind.ts'

export const collations: Kinds = version => [
  {
    kind: literal('collation'),
    catalog: 'pg_collation',
    oid: 'c.oid',
    from: `pg_collation c join pg_namespace n on n.oid = c.collnamespace and ${ownSchema}`,
    name: qualified('n.nspname', 'c.collname'),
    owner: 'c.collowner',
    properties: {
      provider: words('c.collprovider', { c: 'libc', i: 'icu', b: 'builtin', d: 'default' }),
      locale: since(
        version,
        170000,
        'coalesce(c.colllocale, c.collcollate)',
        since(version, 150000, 'coalesce(c.colliculocale, c.collcollate)', 'c.collcollate::text'),
      ),
      'character classes': 'c.collctype::text',
      deterministic: flag('not c.collisdeterministic', 'no'),
      encoding: "nullif(pg_encoding_to_char(c.collencoding), '')::text",
      rules: since(version, 160000, 'c.collicurules'),
    },
  },
  {
    kind: literal('conversion'),
    catalog: 'pg_conversion',
    oid: 'c.oid',
    from: `pg_conversion c join pg_namespace n on n.oid = c.connamespace and ${ownSchema}`,
    name: qualified('n.nspname', 'c.conname'),
    owner: 'c.conowner',
    properties: {
      from: 'pg_encoding_to_char(c.conforencoding)::text',
      to: 'pg_encoding_to_char(c.contoencoding)::text',
      function: functionName('c.conproc'),
      default: flag('c.condefault', 'yes'),
    },
  },
]
