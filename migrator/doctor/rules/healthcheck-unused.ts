// A health check that no service waits for.

import { serversOf } from '../model/gating.ts'
import { dependsOn } from '../patches/gate.ts'
import type { Rule } from './rule.ts'

export const healthcheckUnused: Rule = {
  id: 'healthcheck-unused',
  severity: 'warning',
  title: 'Postgres has a health check, and everybody uses the short form, `service_started`, or no `depends_on`.',
  why: 'The work was done, and the race is still there.',
  fix: '`depends_on: { DATABASE: { condition: service_healthy } }`.',
  *check(stack) {
    if (stack.isSwarm) return
    for (const { server, member, apps, migrators } of serversOf(stack)) {
      if (!member || member.service.healthcheck === undefined || member.service.healthcheck === 'off') continue
      if (apps.length + migrators.length === 0) continue
      const isUsed = [...stack.members.values()].some(
        ({ service }) => service.dependsOn.get(server)?.condition === 'service_healthy',
      )
      if (isUsed) continue
      const users = [...migrators, ...apps].map(({ service }) => dependsOn(service.name, server, 'service_healthy'))
      yield {
        service: server,
        path: ['healthcheck'],
        what: `${server} has a health check, and no service waits for it.`,
        patch: { services: Object.assign({}, ...users.map(({ services }) => services)) },
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    healthcheck:
      test: pg_isready -U postgres
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://postgres@db/postgres
    depends_on: [db]
`,
    passes: `services:
  db:
    image: postgres:17
    healthcheck:
      test: pg_isready -U postgres
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://postgres@db/postgres
    depends_on:
      db: { condition: service_healthy }
`,
  },
}
