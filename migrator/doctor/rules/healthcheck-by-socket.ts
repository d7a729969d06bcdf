// A health check that the first, temporary server answers.

import { checkedDatabases } from '../model/checked-databases.ts'
import { healthcheckPatch } from '../patches/healthcheck.ts'
import type { Rule } from './rule.ts'

export const healthcheckBySocket: Rule = {
  id: 'healthcheck-by-socket',
  severity: 'warning',
  title: "Postgres's health check is `pg_isready` or `psql` without `-h`.",
  why: 'The first start of the official image runs a server for the initdb scripts that only the socket reaches: "healthy", then shut down and started again. The migrator meets 57P03 or ECONNREFUSED.',
  fix: '`-h 127.0.0.1`.',
  *check(stack) {
    for (const { service, probe } of checkedDatabases(stack)) {
      if (probe.asks === 'other' || probe.asks === 'nothing' || probe.overTcp) continue
      yield {
        service: service.name,
        path: ['healthcheck', 'test'],
        what: `The health check of ${service.name} goes through the socket, which the temporary server of the first start answers, too.`,
        patch: healthcheckPatch(service),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U postgres -d postgres"]
`,
    passes: `services:
  db:
    image: postgres:17
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -h localhost -U postgres -d postgres"]
`,
  },
}
