// What a verification prints.

import { expect, test } from 'vitest'
import type { Verification } from '../../../migrator/verbs/verify.ts'
import { migratorRole } from '../../../migrator/verify/catalog/catalog.ts'
import type { Difference } from '../../../migrator/verify/difference.ts'
import { asJson, asText } from '../../../migrator/verify/report.ts'

test("a remedy names the migrator's role so that it can be run, and a sentence as an operator says it", () => {
  const difference: Difference = {
    ...{ change: 'changed', kind: 'table', name: 'public.t', property: 'owner' },
    ...{ found: 'other', expected: migratorRole },
  }
  const result: Verification = {
    comparedWith: 'migrations',
    role: 'my-app',
    migrations: ['1'],
    pending: [],
    differences: [difference],
    notes: [],
    ignored: 0,
  }
  const sentence = 'table t: owner is other; the migrations make it my-app'
  const remedy = 'alter table public.t owner to "my-app";'
  expect(asText(result).split('\n')).toEqual(expect.arrayContaining([sentence, `  put right by: ${remedy}`]))
  expect(asJson(result)).toMatchObject({ differences: [{ message: sentence, remedy: [remedy] }] })
})
