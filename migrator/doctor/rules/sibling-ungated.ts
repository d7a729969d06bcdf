// The worker, the websocket server, the second app that was forgotten when the first was gated.

import { workerBesideWeb } from './example-stacks.ts'
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
    for (const { member, database, sibling, waitedForBy, patch } of ungated(stack)) {
      if (sibling === undefined || waitedForBy !== undefined) continue
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
    violates: workerBesideWeb('[db]'),
    passes: workerBesideWeb('[web]'),
  },
}
