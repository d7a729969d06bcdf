// A Postgres without a health check: no service can wait until it answers.

import { databases } from '../model/checked-databases.ts'
import { healthcheckPatch } from '../patches/healthcheck.ts'
import type { Rule } from './rule.ts'

export const noDbHealthcheck: Rule = {
  id: 'no-db-healthcheck',
  severity: 'warning',
  title: 'Postgres has no `healthcheck`.',
  why: 'There is nothing to wait for; with `condition: service_healthy` added, `up` fails: "has no healthcheck configured".',
  fix: "A health check over TCP that asks a query, filled in with the service's user and database.",
  *check(stack) {
    for (const { service, context } of databases(stack)) {
      if (service.healthcheck !== undefined && service.healthcheck !== 'off') continue
      if (service.healthcheck === undefined && (context.image?.hasHealthcheck || hasOwn(service.image?.repository)))
        continue
      yield {
        service: service.name,
        what: `${service.name} has no health check${service.healthcheck === 'off' ? ' (it is switched off)' : ''}, so nothing can wait until it answers.`,
        patch: healthcheckPatch(service),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
`,
    passes: `services:
  db:
    image: postgres:17
    healthcheck:
      test: pg_isready
`,
  },
}

/** Images that bring one along. */
function hasOwn(repository: string | undefined): boolean {
  return repository === 'immich-app/postgres' || repository === 'supabase/postgres'
}
