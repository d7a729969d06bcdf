// An app that migrates before it serves, as far as compose file and build context show it.

import { splitPatch } from '../patches/split.ts'
import { switchPatch } from '../patches/switch.ts'
import type { Rule } from './rule.ts'
import { pathOf } from './shown-step.ts'

export const migrateInApp: Rule = {
  id: 'migrate-in-app',
  severity: 'warning',
  title:
    "The app's command or entrypoint migrates before it serves, or a switch such as `RUN_MIGRATIONS=1` has it migrate.",
  why: "Each replica and each restart migrates; with `restart: always` a failing migration is a crash loop; the app needs the owner's password; the migration has no exit code of its own.",
  fix: 'A one-shot of the same image with the first half of the command; the app keeps the second. Where a variable keeps the app from migrating, set it there (`RUN_MIGRATIONS`, `SKIP_DB_MIGRATION`, `DISABLE_DB_MIGRATIONS`, `SPRING_FLYWAY_ENABLED`).',
  *check(stack) {
    for (const member of stack.members.values()) {
      const { service, startup, migration, role } = member
      if (role !== 'app' || !migration?.alsoServes) continue
      const { variable, step } = migration
      const patch = splitPatch(stack, member) ?? switchPatch(stack, member)
      const place = step === undefined ? undefined : startup.steps[step]!
      // once for all replicas, and the app is not started when it fails
      if (place?.from === 'pre_start') continue
      const where = place?.from === 'context' ? ', by a script or command of its build context' : ''
      yield {
        service: service.name,
        path: variable !== undefined ? ['environment', variable] : [pathOf(service, place)],
        what:
          variable !== undefined
            ? `${variable} has ${service.name} migrate at each start.`
            : `${service.name} migrates at each start (${migration.tool}${where}).`,
        ...(patch && { patch }),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  api:
    build: .
    command: bash -c "alembic upgrade head && uvicorn main:app --host 0.0.0.0"
    environment:
      DATABASE_URL: postgresql://app@db/app
`,
    passes: `services:
  db:
    image: postgres:17
  migrate:
    build: .
    command: bash -c "alembic upgrade head && python seed.py"
    environment: &env
      DATABASE_URL: postgresql://app@db/app
  api:
    build: .
    command: uvicorn main:app --host 0.0.0.0
    environment: *env
    depends_on:
      migrate: { condition: service_completed_successfully }
`,
  },
}
