// pg_isready, which says yes for users and databases that do not exist.

import { checkedDatabases } from '../model/checked-databases.ts'
import { healthcheckPatch } from '../patches/healthcheck.ts'
import type { Rule } from './rule.ts'

export const healthcheckAsksNothing: Rule = {
  id: 'healthcheck-asks-nothing',
  severity: 'warning',
  title: "Postgres's health check is `pg_isready` alone, only an open port, or never fails (`|| exit 0`).",
  why: 'It says yes for users and databases that do not exist: a wrong name in it is never noticed.',
  fix: "A query: `psql -h 127.0.0.1 -U USER -d DATABASE -Atqc 'select 1'`.",
  *check(stack) {
    for (const { service, probe } of checkedDatabases(stack)) {
      if (probe.asks === 'query' || probe.asks === 'other') continue
      const yes =
        probe.asks === 'nothing'
          ? 'never fails, whatever the server says.'
          : `asks no query: ${probe.asks === 'port' ? 'an open port' : 'pg_isready'} says yes also where user or database do not exist.`
      yield {
        service: service.name,
        path: ['healthcheck', 'test'],
        what: `The health check of ${service.name} ${yes}`,
        patch: healthcheckPatch(service),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    healthcheck:
      test: ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres"]
`,
    passes: `services:
  db:
    image: postgres:17
    healthcheck:
      test: ["CMD-SHELL", "psql -h 127.0.0.1 -U postgres -d postgres -c 'select 1'"]
`,
  },
}
