// A one-shot that stays after its migration.

import type { Stack } from '../model/stack.ts'
import { splitPatch } from '../patches/split.ts'
import { isIdling } from '../startup/migrating.ts'
import type { Rule } from './rule.ts'
import { pathOf, shownStep } from './shown-step.ts'

export const oneShotIdles: Rule = {
  id: 'one-shot-idles',
  severity: 'error',
  title: 'The migrator that others wait for goes on for ever after the migration: `migrate && tail -f /dev/null`.',
  why: 'It is never "completed": `up` hangs, also when all migrations are good, and no app is started.',
  fix: 'Take away what keeps it; `docker compose run --rm MIGRATOR sh` opens a shell in its image.',
  *check(stack) {
    for (const member of stack.members.values()) {
      const { service, startup, role } = member
      const idling = startup.steps.find(isIdling)
      if (role !== 'migrator' || !idling || !isWaitedFor(stack, service.name)) continue
      const patch = splitPatch(stack, member)
      yield {
        service: service.name,
        path: [pathOf(service, idling)],
        what: `${service.name} never ends, because of ${shownStep(idling)}, and so never counts as completed.`,
        ...(patch && { patch }),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  migrate:
    image: example/app:1
    command: sh -c "alembic upgrade head && tail -f /dev/null"
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
    command: sh -c "alembic upgrade head && tail -n 5 upgrade.log"
    environment: &env
      DATABASE_URL: postgres://app@db/app
  app:
    image: example/app:1
    environment: *env
    depends_on:
      migrate: { condition: service_completed_successfully }
`,
  },
}

function isWaitedFor(stack: Stack, name: string): boolean {
  return [...stack.members.values()].some(
    ({ service }) => service.dependsOn.get(name)?.condition === 'service_completed_successfully',
  )
}
