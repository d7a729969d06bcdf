// Which differences have a remedy.

import { expect, test } from 'vitest'
import { compare } from '../../../migrator/verify/compare.ts'
import { remedy } from '../../../migrator/verify/remedy.ts'

test.for([
  ['virtual: (a * 2)', ['alter table public.t add column b integer generated always as ((a * 2)) virtual;']],
  // it would be written into each row
  ['stored: (a * 2)', undefined],
] as const)('a missing column that is generated as %s', ([generated, statements]) => {
  const object = {
    ...{ kind: 'column', name: 'public.t.b', parent: 'table public.t' },
    properties: { type: 'integer', generated },
  }
  expect(remedy({ change: 'missing', ...object, object })).toEqual(statements)
})

test('a missing view is made with its options at once, before anyone has rights on it', () => {
  const properties = {
    ...{ definition: ' SELECT a\n   FROM public.t;', columns: ['a integer'] },
    ...{ 'grants to app': 'select', 'option security_invoker': 'true' },
  }
  const object = { kind: 'view', name: 'public.v', properties }
  expect(remedy({ change: 'missing', kind: 'view', name: 'public.v', object })).toEqual([
    "create view public.v with (security_invoker = 'true') as SELECT a\n   FROM public.t;",
    'grant select on table public.v to "app";',
  ])
})

test.for([
  ['table', 'column', 'public.t'],
  ['extension relation', 'extension column', 'pg_buffercache'],
] as const)('a revoke on the %s gives the role back what it should have on the %s', ([kind, ofColumn, name]) => {
  const relation = { kind, name }
  const column = {
    ...{ kind: ofColumn, name: `${name}.a`, parent: `${kind} ${name}` },
    properties: { 'grants to app': 'select' },
  }
  const table = (grants: string) => ({ ...relation, properties: { 'grants to app': grants } })
  const [found, expected] = [table('insert, select'), table('insert')].map(object => ({
    serverVersion: 170000,
    objects: [object, column],
  }))
  expect(compare(found!, expected!).differences.map(remedy)).toEqual([
    [`revoke select on table ${name} from "app";`, `grant select (a) on table ${name} to "app";`],
  ])
})
