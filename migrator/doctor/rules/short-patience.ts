// A health check that gives up before a slow first start is over.

import { checkedDatabases } from '../model/checked-databases.ts'
import { healthcheckPatch } from '../patches/healthcheck.ts'
import type { Rule } from './rule.ts'

/** Docker's own. */
const defaults = { interval: 30, retries: 3 }
/** Seconds that initdb on a slow disk or crash recovery may take. */
const enough = 60

export const shortPatience: Rule = {
  id: 'short-patience',
  severity: 'warning',
  title: "Postgres's health check has no `start_period`, and `interval` times `retries` is under 60 s.",
  why: 'initdb on a slow disk, or recovery after a crash, ends `up` with "unhealthy".',
  fix: '`start_period: 60s`.',
  *check(stack) {
    for (const { service, check } of checkedDatabases(stack)) {
      const patience = (check.interval || defaults.interval) * (check.retries || defaults.retries)
      if ((check.startPeriod ?? 0) > 0 || patience >= enough) continue
      yield {
        service: service.name,
        path: ['healthcheck'],
        what: `${service.name} is called unhealthy after ${Math.round(patience)} s, and a first start or a recovery may take longer.`,
        patch: healthcheckPatch(service),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    healthcheck:
      test: pg_isready -h 127.0.0.1
      interval: 5s
      retries: 5
`,
    passes: `services:
  db:
    image: postgres:17
    healthcheck:
      test: pg_isready -h 127.0.0.1
      interval: 10s
      retries: 6
`,
  },
}
