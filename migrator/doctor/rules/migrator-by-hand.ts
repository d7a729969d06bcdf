// A migrator that runs only when somebody thinks of it.

import type { Service } from '../compose/service.ts'
import { documentedMigration } from '../model/documented-migration.ts'
import { type Database, databasesOf, serversOf } from '../model/gating.ts'
import { isThereWith } from '../model/profiles.ts'
import type { Stack } from '../model/stack.ts'
import { type Patch, reset } from '../patches/patch.ts'
import { list } from './list.ts'
import type { Rule } from './rule.ts'

export const migratorByHand: Rule = {
  id: 'migrator-by-hand',
  severity: 'error',
  title: 'The migrator is below a profile, has no command that migrates, or is only in the documentation (`run --rm`).',
  why: 'Forgotten once is enough: `up` ends with 0, and each request meets 42P01.',
  fix: 'Take the profile away, or give it those of the applications, and gate each application on the migrator.',
  *check(stack) {
    for (const database of databasesOf(stack)) {
      if (database.migrators.length > 0 || database.selfMigrating.length > 0) continue
      for (const { service, migration } of database.byHand) {
        const { name, profiles } = service
        yield migration?.hasNoCommand
          ? {
              service: name,
              path: ['command'],
              what: `${name} has no command that migrates, so it does only what somebody types after \`run --rm ${name}\`.`,
            }
          : {
              service: name,
              path: ['profiles'],
              what: `${name} is below the profile ${profiles.join(', ')}, so ${list(startedWithout(database, service))} can be started without it.`,
              patch: withApplications(stack, database, service),
            }
      }
    }
    for (const server of serversOf(stack)) {
      const seen = server.migrators.length + server.selfMigrating.length + server.byHand.length
      if (seen === 0 && server.apps.length > 0) yield* documented(stack, server)
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  migrate:
    build: .
    command: alembic upgrade head
    environment:
      DATABASE_URL: postgresql://app@db/app
    profiles: [tools]
  api:
    build: .
    command: uvicorn main:app
    environment:
      DATABASE_URL: postgresql://app@db/app
    depends_on: [db]
`,
    passes: `services:
  db:
    image: postgres:17
  migrate:
    build: .
    command: alembic upgrade head
    environment:
      DATABASE_URL: postgresql://app@db/app
    profiles: [backend]
  api:
    build: .
    command: uvicorn main:app
    environment:
      DATABASE_URL: postgresql://app@db/app
    profiles: [backend]
    depends_on:
      migrate:
        condition: service_completed_successfully
`,
  },
}

function startedWithout({ apps }: Database, { profiles }: Service): string[] {
  return apps.filter(({ service }) => !isThereWith(service.profiles, profiles)).map(({ service }) => service.name)
}

/** The migrator starts with every application that has what the migrator itself needs. */
function withApplications(
  { members }: Stack,
  { apps, server }: Database,
  { name, profiles, dependsOn }: Service,
): Patch {
  const needed = [server, ...dependsOn.keys()].map(other => members.get(other)?.service.profiles ?? [])
  const gated = apps.filter(({ service }) => needed.every(other => isThereWith(service.profiles, other)))
  const wanted = new Set(gated.flatMap(({ service }) => service.profiles))
  const missing = [...wanted].filter(profile => !profiles.includes(profile))
  const isAlways = gated.some(({ service }) => service.profiles.length === 0)
  const gate = { depends_on: { [name]: { condition: 'service_completed_successfully' } } }
  return {
    services: {
      [name]: isAlways ? { profiles: reset } : missing.length > 0 ? { profiles: missing } : {},
      ...Object.fromEntries(apps.map(({ service }) => [service.name, gate])),
    },
  }
}

function* documented(stack: Stack, database: Database) {
  const found = documentedMigration(stack.compose)
  if (found === undefined) return
  yield {
    service: database.apps[0]!.service.name,
    what: `Nothing in the file migrates ${database.server}; ${found.file} line ${found.line} says to do it by hand: \`${found.command}\`.`,
  }
}
