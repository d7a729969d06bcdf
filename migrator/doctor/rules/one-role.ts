// An app that logs in as the owner of its schema.

import { serversOf } from '../model/gating.ts'
import type { Rule } from './rule.ts'

export const oneRole: Rule = {
  id: 'one-role',
  severity: 'note',
  title: 'App and migrator log in as the same user.',
  why: "Then the database keeps nothing itself: a role of the app's own cannot log in before the first migration has succeeded, and cannot change its schema.",
  fix: 'A second role for the app: `SCHEMAGATE_APP_ROLE` and `SCHEMAGATE_APP_PASSWORD` on the migrator.',
  *check(stack) {
    for (const { server, member, apps, migrators, selfMigrating } of serversOf(stack)) {
      const userOn = (uses: (typeof apps)[number]['uses']) =>
        uses.find(use => use.server === server && use.user !== undefined)?.user
      const { environment } = member?.service ?? { environment: {} as Record<string, string> }
      const owner =
        environment.POSTGRES_USER ??
        environment.POSTGRESQL_USERNAME ??
        (member && !('POSTGRES_USER' in environment) ? 'postgres' : undefined)
      const users = new Set([owner, ...migrators.map(({ uses }) => userOn(uses))])
      const same = apps.find(app => {
        const user = userOn(app.uses)
        return selfMigrating.includes(app) || (user !== undefined && users.has(user))
      })
      if (!same) continue
      yield {
        service: same.service.name,
        what: `${same.service.name} logs in to ${server} as the role that owns the schema.`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    environment:
      POSTGRES_USER: owner
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://owner@db/app
`,
    passes: `services:
  db:
    image: postgres:17
    environment:
      POSTGRES_USER: owner
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
`,
  },
}
