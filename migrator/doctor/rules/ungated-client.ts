// An application that waits for no migration, where none of its siblings does either.

import { appBesideOneShot, completedMigrate } from './example-stacks.ts'
import { list } from './list.ts'
import type { Rule } from './rule.ts'
import { ungated } from './ungated.ts'

export const ungatedClient: Rule = {
  id: 'ungated-client',
  severity: 'error',
  title: 'A service that connects to the database has no path of `service_completed_successfully` to the migrator.',
  why: 'It starts on whatever schema there is. `up` ends with 0, and the app answers 500 (42P01, 42703) until somebody looks.',
  fix: 'Add `depends_on: { MIGRATOR: { condition: service_completed_successfully } }`. Swarm has no conditions: start the app through `schemagate wait --` there.',
  *check(stack) {
    for (const { member, database, sibling, waitedForBy, patch } of ungated(stack)) {
      if (sibling !== undefined && waitedForBy === undefined) continue
      const { name } = member.service
      const migrators = database.migrators.map(one => one.service.name)
      yield {
        service: name,
        path: ['depends_on'],
        what:
          waitedForBy === undefined
            ? `${name} uses ${database.server}, and starts whether or not ${list(migrators)} ${migrators.length === 1 ? 'has' : 'have'} migrated it.`
            : `${name} uses ${database.server} before ${waitedForBy} migrates it, which waits for ${name}: turn that round, so that ${name} waits for the end of ${waitedForBy}.`,
        ...(patch && { patch }),
      }
    }
  },
  examples: {
    violates: appBesideOneShot('[db]'),
    passes: appBesideOneShot(completedMigrate),
  },
}
