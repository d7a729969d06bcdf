// The worker, the websocket server, the second app that was forgotten when the first was gated.

import type { Rule } from './rule.ts'
import { ungated } from './ungated.ts'

export const siblingUngated: Rule = {
  id: 'sibling-ungated',
  severity: 'error',
  title:
    'One application waits for the migration or migrates itself; its worker, cron, websocket server or second app does not.',
  why: 'It works on the old schema while the migration runs, and on after it has failed. Typical: sidekiq, celery beat, rq, a realtime server.',
  fix: 'The same condition on each. Where an app migrates itself: `service_healthy` on that app, or better a one-shot for both.',
  *check(stack) {
    for (const { member, database, sibling, patch } of ungated(stack)) {
      if (sibling === undefined) continue
      const { name } = member.service
      const other = sibling.service.name
      const how = sibling.migration?.alsoServes ? 'migrates before it serves' : 'waits for the migration'
      yield {
        service: name,
        path: ['depends_on'],
        what: `${name} uses ${database.server} as ${other} does; ${other} ${how}, ${name} waits for neither.`,
        ...(patch && { patch }),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  migrate:
    build: .
    command: bundle exec rails db:migrate
    environment: &env
      DATABASE_URL: postgres://app@db/app
  web:
    build: .
    command: bundle exec puma
    environment: *env
    depends_on:
      migrate:
        condition: service_completed_successfully
  sidekiq:
    build: .
    command: bundle exec sidekiq
    environment: *env
    depends_on: [db]
`,
    passes: `services:
  db:
    image: postgres:17
  migrate:
    build: .
    command: bundle exec rails db:migrate
    environment: &env
      DATABASE_URL: postgres://app@db/app
  web:
    build: .
    command: bundle exec puma
    environment: *env
    depends_on:
      migrate:
        condition: service_completed_successfully
  sidekiq:
    build: .
    command: bundle exec sidekiq
    environment: *env
    depends_on: [web]
`,
  },
}
