// A one-shot that never counts as done.

import { isValues } from '../compose/merge.ts'
import { serversOf } from '../model/gating.ts'
import type { Rule } from './rule.ts'

export const oneShotRestarts: Rule = {
  id: 'one-shot-restarts',
  severity: 'error',
  title: 'The migrator has `restart: always` or `unless-stopped`, often through a YAML anchor.',
  why: 'It is never "completed": it starts again after each good end, and `up` hangs, also when all migrations are good.',
  fix: '`restart: "no"`, quoted; `on-failure` only with a limit (`on-failure:3`).',
  *check(stack) {
    const oneShots = new Set(serversOf(stack).flatMap(({ migrators, byHand }) => [...migrators, ...byHand]))
    for (const { service } of oneShots) {
      const { name, restart, deploy } = service
      const policy = isValues(deploy.restart_policy) ? deploy.restart_policy : undefined
      const inSwarm = stack.isSwarm && (policy?.condition === undefined || policy.condition === 'any')
      const byPolicy = inSwarm || policy?.condition === 'any'
      if (!byPolicy && restart !== 'always' && restart !== 'unless-stopped') continue
      yield {
        service: name,
        path: [byPolicy ? 'deploy' : 'restart'],
        what: `${name} is started again after each end (${inSwarm ? "Swarm's default" : (restart ?? 'condition: any')}), so it never counts as completed.`,
        patch:
          inSwarm || policy
            ? { services: { [name]: { restart: 'no', deploy: { restart_policy: { condition: 'none' } } } } }
            : { services: { [name]: { restart: 'no' } } },
      }
    }
  },
  examples: {
    violates: `x-common: &common
  restart: unless-stopped
  environment:
    DATABASE_URL: postgres://app@db/app
services:
  db:
    image: postgres:17
  migrate:
    <<: *common
    image: example/app:1
    command: npx prisma migrate deploy
  app:
    <<: *common
    image: example/app:1
    depends_on:
      migrate: { condition: service_completed_successfully }
`,
    passes: `x-common: &common
  restart: unless-stopped
  environment:
    DATABASE_URL: postgres://app@db/app
services:
  db:
    image: postgres:17
  migrate:
    <<: *common
    image: example/app:1
    command: npx prisma migrate deploy
    restart: "no"
  app:
    <<: *common
    image: example/app:1
    depends_on:
      migrate: { condition: service_completed_successfully }
`,
  },
}
