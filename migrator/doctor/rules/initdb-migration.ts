// A schema that is brought into the folder that Postgres reads only once.

import { asList } from '../compose/merge.ts'
import { toMount } from '../compose/service.ts'
import { serversOf } from '../model/gating.ts'
import { asMigrations, initdbSchemas } from '../model/initdb-files.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { migratorService } from '../patches/migrator-service.ts'
import { Override, type Patch } from '../patches/patch.ts'
import type { Rule } from './rule.ts'

export const initdbMigration: Rule = {
  id: 'initdb-migration',
  severity: 'error',
  title: 'A migration is mounted or copied into `/docker-entrypoint-initdb.d`.',
  why: 'It runs on an empty volume and never again: the next one is never applied, and every database that is there already lacks it.',
  fix: 'A migrator for the schema. Roles, databases and extensions may stay there.',
  *check(stack) {
    const brought = serversOf(stack).flatMap(({ member, ...database }) => {
      const schema = member ? initdbSchemas(member) : []
      return member && schema.length > 0 ? [{ ...database, member, schema }] : []
    })
    for (const { member, schema, ...database } of brought) {
      const names = schema.flatMap(one => one.names)
      const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
      const targets = new Set(schema.map(({ mount }) => mount.target))
      const isMounted = schema.every(({ path }) => path[0] === 'volumes')
      // one migrator for each of them
      const migrator = brought.length === 1 ? 'migrator' : `${member.service.name}-migrator`
      const patch =
        isMounted && database.migrators.length === 0 && !stack.isSwarm
          ? migratorPatch(stack, database.apps, member, targets, migrator)
          : undefined
      yield {
        service: member.service.name,
        path: schema[0]!.path,
        what: `${names.slice(0, 3).join(', ')}${more} ${names.length === 1 ? 'makes' : 'make'} the schema on the very first start of ${member.service.name}, and never again.`,
        ...(patch && { patch }),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    volumes:
      - data:/var/lib/postgresql/data
      - ./migrations/0001_schema.sql:/docker-entrypoint-initdb.d/0001_schema.sql
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
volumes:
  data:
`,
    passes: `services:
  db:
    image: postgres:17
    volumes:
      - data:/var/lib/postgresql/data
      - ./create-databases.sh:/docker-entrypoint-initdb.d/create-databases.sh
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
volumes:
  data:
`,
  },
}

/** A migrator of this repository's for the files that were mounted, where all of them were. */
function migratorPatch(
  stack: Stack,
  apps: readonly Member[],
  member: Member,
  targets: ReadonlySet<string>,
  migrator: string,
): Patch | undefined {
  const { name, environment } = member.service
  const password = environment.POSTGRES_PASSWORD ?? environment.POSTGRES_PASSWORD_FILE
  if (stack.members.has(migrator) || password === undefined) return undefined
  // as they are written: with their options, and with paths that hold on every machine
  const volumes = asList(stack.compose.written[name]?.volumes)
  const isTaken = (volume: unknown) => targets.has(toMount(volume).target)
  if (volumes.filter(isTaken).length < targets.size) return undefined
  const migrations = asMigrations(volumes.filter(isTaken).map(toMount), member.context)
  if (!migrations) return undefined
  const gate = { depends_on: { [migrator]: { condition: 'service_completed_successfully' } } }
  return {
    services: {
      [name]: { volumes: new Override(volumes.filter(volume => !isTaken(volume))) },
      [migrator]: migratorService(stack, member, migrations),
      ...Object.fromEntries(apps.map(app => [app.service.name, gate])),
    },
  }
}
