// A first probe that comes half a minute after the start.

import { checkedDatabases } from '../model/checked-databases.ts'
import { healthcheckPatch } from '../patches/healthcheck.ts'
import type { Rule } from './rule.ts'

/** Docker's own, in seconds. */
const defaultInterval = 30

export const slowHealthcheck: Rule = {
  id: 'slow-healthcheck',
  severity: 'warning',
  title: "Postgres's health check has an `interval` of 30 s or more (also by default), and no `start_interval`.",
  why: 'The first probe comes one interval after the start, so everything behind it starts that much later.',
  fix: '`start_period: 60s` with `start_interval: 250ms` (Engine 25).',
  *check(stack) {
    for (const { service, check } of checkedDatabases(stack)) {
      const interval = check.interval || defaultInterval
      if (interval < defaultInterval || check.startInterval !== undefined) continue
      yield {
        service: service.name,
        path: ['healthcheck', 'interval'],
        what: `The first probe of ${service.name} comes ${interval} s after its start${check.interval ? '' : ", by Docker's default"}.`,
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
      interval: 30s
`,
    passes: `services:
  db:
    image: postgres:17
    healthcheck:
      test: pg_isready -h 127.0.0.1
      interval: 30s
      start_period: 60s
      start_interval: 1s
`,
  },
}
