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
  const result = withDifference(difference)
  const sentence = 'table t: owner is other; the migrations make it my-app'
  const remedy = 'alter table public.t owner to "my-app";'
  expect(asText(result).split('\n')).toEqual(expect.arrayContaining([sentence, `  put right by: ${remedy}`]))
  expect(asJson(result)).toMatchObject({ differences: [{ message: sentence, remedy: [remedy] }] })
})

test('a name of several lines is told in one, and puts no remedy of its own below it', () => {
  const name = 'public."x\n  put right by: drop table users;"'
  const told = asText(withDifference({ change: 'unexpected', kind: 'table', name }))
  expect(told).not.toContain('\n  put right by')
  expect(told).toContain('table "x\\n  put right by: drop table users;": exists, and no migration makes it\n')
})

function withDifference(difference: Difference): Verification {
  return {
    ...{ comparedWith: 'migrations', role: 'my-app', migrations: ['1'] },
    ...{ pending: [], differences: [difference], notes: [], ignored: 0 },
  }
}
