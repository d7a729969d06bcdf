// Several containers of a service that migrates at its start.

import type { Rule } from './rule.ts'

export const replicasMigrate: Rule = {
  id: 'replicas-migrate',
  severity: 'warning',
  title: '`deploy.replicas` or `scale` is more than one, on a service that migrates at its start.',
  why: 'That many migrators run at once; what happens then is up to the tool.',
  fix: 'A one-shot that migrates, and as many replicas of the app as you like behind it.',
  *check(stack) {
    for (const { service, role, migration, startup } of stack.members.values()) {
      if (role !== 'app' || !migration?.alsoServes || !(service.replicas > 1)) continue
      if (startup.steps[migration.step ?? -1]?.from === 'pre_start') continue
      yield {
        service: service.name,
        path: service.values.scale === undefined ? ['deploy', 'replicas'] : ['scale'],
        what: `${service.replicas} containers of ${service.name} migrate at once.`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  api:
    build: .
    command: sh -c "npx prisma migrate deploy && node server.js"
    environment:
      DATABASE_URL: postgres://app@db/app
    deploy:
      replicas: 3
`,
    passes: `services:
  db:
    image: postgres:17
  api:
    build: .
    command: sh -c "npx prisma migrate deploy && node server.js"
    environment:
      DATABASE_URL: postgres://app@db/app
  worker:
    build: .
    command: node worker.js
    environment:
      DATABASE_URL: postgres://app@db/app
    deploy:
      replicas: 3
`,
  },
}
