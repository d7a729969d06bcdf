// An app that is left running over a new migrator.

import { serversOf } from '../model/gating.ts'
import type { Rule } from './rule.ts'

export const restartTrue: Rule = {
  id: 'restart-true',
  severity: 'note',
  title: '`depends_on` names the migrator without `restart: true`.',
  why: '`up` with a new migrator image leaves the old app running over the new schema. From Compose 2.35 on `restart: true` stops the app first.',
  fix: '`depends_on: { MIGRATOR: { condition: service_completed_successfully, restart: true } }`.',
  *check(stack) {
    const told = new Set<string>()
    for (const { apps, migrators } of serversOf(stack)) {
      for (const { service } of apps) {
        for (const { service: migrator } of migrators) {
          const dependency = service.dependsOn.get(migrator.name)
          if (
            dependency?.condition !== 'service_completed_successfully' ||
            dependency.restart ||
            told.has(service.name)
          )
            continue
          told.add(service.name)
          yield {
            service: service.name,
            path: ['depends_on', migrator.name],
            what: `${service.name} goes on running when ${migrator.name} changes.`,
            patch: {
              services: {
                [service.name]: {
                  depends_on: { [migrator.name]: { condition: 'service_completed_successfully', restart: true } },
                },
              },
            },
          }
        }
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  migrate:
    image: example/app:1
    command: npx prisma migrate deploy
    environment: &env
      DATABASE_URL: postgres://app@db/app
  app:
    image: example/app:1
    environment: *env
    depends_on:
      migrate: { condition: service_completed_successfully }
`,
    passes: `services:
  db:
    image: postgres:17
  migrate:
    image: example/app:1
    command: npx prisma migrate deploy
    environment: &env
      DATABASE_URL: postgres://app@db/app
  app:
    image: example/app:1
    environment: *env
    depends_on:
      migrate: { condition: service_completed_successfully, restart: true }
`,
  },
}
