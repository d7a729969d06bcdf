// The order in which remedies are told.

import { expect, test } from 'vitest'
import type { Difference } from '../../../migrator/verify/difference.ts'
import { withRemedies } from '../../../migrator/verify/run-order.ts'

test('row security is enabled behind the policies, without which no row is seen, and before a grant, which shows all', () => {
  const table = { kind: 'table', name: 'public.t' }
  const policy = {
    ...{ kind: 'policy', name: 'public.t.p', parent: 'table public.t' },
    properties: { mode: 'permissive', command: 'all', roles: 'PUBLIC', using: 'true' },
  }
  const differences: readonly Difference[] = [
    { change: 'changed', ...table, property: 'grants to app', expected: 'select' },
    { change: 'changed', ...table, property: 'row security', expected: 'enabled' },
    { change: 'missing', ...policy, object: policy },
  ]
  expect(withRemedies(differences).flatMap(({ remedy }) => remedy)).toEqual([
    'create policy p on public.t as permissive for all to public using (true);',
    'alter table public.t enable row level security;',
    'grant select on table public.t to "app";',
  ])
})

test('an event trigger is the last one to be enabled: it may refuse what is run behind it', () => {
  const differences: readonly Difference[] = [
    { change: 'changed', kind: 'event trigger', name: 'a', property: 'state', found: 'disabled' },
    { change: 'changed', kind: 'table', name: 'public.t', property: 'comment', found: 'x' },
  ]
  expect(withRemedies(differences).flatMap(({ remedy }) => remedy)).toEqual([
    'comment on table public.t is null;',
    'alter event trigger a enable;',
  ])
})
