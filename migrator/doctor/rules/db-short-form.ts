// A user of the database that starts before Postgres answers.

import { serversOf, waitingForHealth } from '../model/gating.ts'
import { dependsOn } from '../patches/gate.ts'
import type { Rule } from './rule.ts'

export const dbShortForm: Rule = {
  id: 'db-short-form',
  severity: 'warning',
  title: 'An app or a migrator names the database in the short form of `depends_on`, or not at all.',
  why: 'It starts before Postgres answers. What then happens is up to it: a retry, a crash loop, a half-open pool.',
  fix: '`depends_on: { DATABASE: { condition: service_healthy } }`.',
  *check(stack) {
    if (stack.isSwarm) return
    const told = new Set<string>()
    for (const { server, member, apps, migrators, byHand } of serversOf(stack)) {
      if (!member) continue
      const waiting = waitingForHealth(stack, server)
      for (const user of [...migrators, ...byHand, ...apps]) {
        const { name, dependsOn: dependencies } = user.service
        if (waiting.has(name) || told.has(name)) continue
        told.add(name)
        const direct = dependencies.get(server)
        yield {
          service: name,
          path: ['depends_on', server],
          what: direct
            ? `${name} waits for the start of ${server}, not until it answers.`
            : `${name} uses ${server}, and does not wait until it answers.`,
          patch: dependsOn(name, server, 'service_healthy'),
        }
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
    depends_on: [db]
`,
    passes: `services:
  db:
    image: postgres:17
    healthcheck:
      test: pg_isready -h 127.0.0.1
  migrate:
    image: migrate/migrate:v4
    command: -path /migrations -database postgres://app@db/app up
    depends_on:
      db: { condition: service_healthy }
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
    depends_on:
      migrate: { condition: service_completed_successfully }
`,
  },
}
