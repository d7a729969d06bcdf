// An application that waits for no migration, where none of its siblings does either.

import type { Rule } from './rule.ts'
import { ungated } from './ungated.ts'

export const ungatedClient: Rule = {
  id: 'ungated-client',
  severity: 'error',
  title: 'A service that connects to the database has no path of `service_completed_successfully` to the migrator.',
  why: 'It starts on whatever schema there is. `up` ends with 0, and the app answers 500 (42P01, 42703) until somebody looks.',
  fix: 'Add `depends_on: { MIGRATOR: { condition: service_completed_successfully } }`. Swarm has no conditions: start the app through `schemagate wait --` there.',
  *check(stack) {
    for (const { member, database, sibling, patch } of ungated(stack)) {
      if (sibling !== undefined) continue
      const { name } = member.service
      const migrators = database.migrators.map(one => one.service.name).join(', ')
      yield {
        service: name,
        path: ['depends_on'],
        what: `${name} uses ${database.server}, and starts whether or not ${migrators} has migrated it.`,
        ...(patch && { patch }),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  migrate:
    image: migrate/migrate:v4
    command: -path /migrations -database postgres://app@db/app up
    depends_on: [db]
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
    depends_on: [db]
`,
    passes: `services:
  db:
    image: postgres:17
  migrate:
    image: migrate/migrate:v4
    command: -path /migrations -database postgres://app@db/app up
    depends_on: [db]
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
    depends_on:
      migrate:
        condition: service_completed_successfully
`,
  },
}
