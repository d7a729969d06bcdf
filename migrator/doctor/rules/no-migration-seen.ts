// A database that is used, and nothing that can be seen to migrate it.

import { documentedMigration } from '../model/documented-migration.ts'
import { serversOf } from '../model/gating.ts'
import { initdbSchemas } from '../model/initdb-files.ts'
import type { Member } from '../model/member.ts'
import { recognise } from '../model/recognise.ts'
import type { Stack } from '../model/stack.ts'
import { list } from './list.ts'
import type { Rule } from './rule.ts'

export const noMigrationSeen: Rule = {
  id: 'no-migration-seen',
  severity: 'warning',
  title: 'Applications use the database, and nothing in the file or the build context migrates it.',
  why: 'An image may migrate in its entrypoint or in its code, at each start of each replica; or it is done by hand, and forgotten once. Compose keeps nothing in either case.',
  fix: 'A one-shot that migrates, and `service_completed_successfully` on each application: `schemagate init` writes both. `doctor --image` looks at the entrypoints of images that are here.',
  *check(stack) {
    for (const database of serversOf(stack)) {
      const { server, member, apps, migrators, byHand, selfMigrating } = database
      if (apps.length === 0 || migrators.length + byHand.length + selfMigrating.length > 0) continue
      if (member && initdbSchemas(member).length > 0) continue
      if (documentedMigration(stack.compose)) continue
      const names = apps.map(({ service }) => service.name)
      yield {
        service: member ? server : names[0]!,
        what: `Nothing that can be seen here migrates ${member ? server : `the database ${server}`}, which ${list(names)} use${names.length === 1 ? 's' : ''}.${unused(stack, apps)}`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  web:
    image: example/web:1
    environment:
      DATABASE_URL: postgres://app@db/app
`,
    passes: `services:
  db:
    image: postgres:17
  pgadmin:
    image: dpage/pgadmin4
    depends_on: [db]
`,
  },
}

/** What the project has for it, as a sentence behind a space. */
function unused({ compose }: Stack, apps: readonly Member[]): string {
  const folders = apps.flatMap(({ context }) => context.folders)
  const [found] = recognise(compose.directory, folders)
  if (found === undefined) return ''
  const { tool, folder, command } = found
  if (command === undefined) return ` The project has migrations, in ${folder}.`
  return ` The project has ${tool}${folder === '.' ? '' : `, in ${folder}`}: \`${command}\`.`
}
