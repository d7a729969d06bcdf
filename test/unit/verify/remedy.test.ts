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
