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

test.for([
  ['numeric(12,4)', 'numeric(10,2)'],
  ['numeric', 'integer'],
  ['bigint', 'double precision'],
  ['double precision', 'real'],
  ['timestamp without time zone', 'timestamp with time zone'],
  ['timestamp(6) without time zone', 'timestamp(3) without time zone'],
  ['timestamp without time zone', 'date'],
  ['json', 'jsonb'],
  ['text[]', 'character varying(3)[]'],
  ['text', 'public.some_domain'],
])('a column of %s does not become %s, which would change its values', ([from, to]) => {
  expect(remedy(retyped(from!, to!))).toBeUndefined()
})

test.for([
  [{ kind: 'view', name: 'public.v', properties: { definition: ' SELECT a FROM public.t;' } }, 'bigint'],
  [{ kind: 'policy', name: 'public.t.p', parent: 'table public.t', properties: { using: '(a > 1)' } }, 'bigint'],
  [
    { kind: 'constraint', name: 'public.t.c', parent: 'table public.t', properties: { definition: 'CHECK ((a > 1))' } },
    'text',
  ],
  [
    {
      ...{ kind: 'constraint', name: 'public.r.f', parent: 'table public.r' },
      properties: { definition: 'FOREIGN KEY (b) REFERENCES public.t(a)' },
    },
    'text',
  ],
  [{ kind: 'column', name: 'public.r.t', parent: 'table public.r', properties: { type: 'public.t[]' } }, 'bigint'],
] as const)('nor does one that %o rests on', ([user, to]) => {
  const { object, was } = retyped('integer', to)
  const [found, expected] = [object, was].map(column => ({ serverVersion: 170000, objects: [column, user] }))
  expect(compare(found!, expected!).differences.map(remedy)).toEqual([undefined])
  const [alone, wanted] = [object, was].map(column => ({ serverVersion: 170000, objects: [column] }))
  expect(compare(alone!, wanted!).differences.map(remedy)).toEqual([
    [`alter table public.t alter column a type ${to};`],
  ])
})

function retyped(from: string, to: string) {
  const column = { kind: 'column', name: 'public.t.a', parent: 'table public.t' }
  const [object, was] = [from, to].map(type => ({ ...column, properties: { type } }))
  return {
    change: 'changed',
    ...column,
    property: 'type',
    found: from,
    expected: to,
    object: object!,
    was: was!,
  } as const
}

test('a key that a foreign key refers to stays', () => {
  const key = { kind: 'constraint', name: 'public.t.k', parent: 'table public.t' }
  const foreignKey = {
    ...{ kind: 'constraint', name: 'public.r.f', parent: 'table public.r' },
    properties: { definition: 'FOREIGN KEY (b, c) REFERENCES public.t(a2, a1)' },
  }
  const [found, expected] = ['UNIQUE (a1, a2)', 'UNIQUE (a1)'].map(definition => ({
    serverVersion: 170000,
    objects: [{ ...key, properties: { definition } }, foreignKey],
  }))
  expect(compare(found!, expected!).differences.map(remedy)).toEqual([undefined])
})
