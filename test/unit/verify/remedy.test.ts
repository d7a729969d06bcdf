// Which differences have a remedy.

import { expect, test } from 'vitest'
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
