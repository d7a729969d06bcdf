// A Postgres that does not start: what it says of that is what the operator needs.

import { expect } from 'vitest'
import { current } from '../scenario/releases.ts'
import { test } from './fixture.ts'

test.for(['deploy', 'restore'] as const)('%s shows what Postgres said', async (script, { production }) => {
  const file = await production.overlay({ postgres: { environment: { POSTGRES_INITDB_ARGS: '--no-such-option' } } })
  const options = script === 'restore' ? ['--from', 'any', '--yes'] : []
  const { code, output } = await production.run(script, current, '--file', file, ...options)
  expect(code, output).toBe(1)
  expect(output).toMatch(/did not become healthy[\s\S]*initdb: unrecognized option '--no-such-option'/)
})
