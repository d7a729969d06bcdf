// Waiting for the migrator's start in place of its end.

import { databasesOf, gateOf } from '../model/gating.ts'
import { dependsOnCompletion } from '../patches/gate.ts'
import { appBesideOneShot, completedMigrate } from './example-stacks.ts'
import type { Rule } from './rule.ts'

export const oneShotShortForm: Rule = {
  id: 'one-shot-short-form',
  severity: 'error',
  title: 'An application names the migrator in the short form of `depends_on`, or with `service_started`.',
  why: "That waits for the container's start, not for its end: the migrator may fail, `up` ends with 0 and the app runs.",
  fix: 'The long form, with `condition: service_completed_successfully`.',
  *check(stack) {
    const told = new Set<string>()
    for (const database of databasesOf(stack)) {
      for (const app of database.apps) {
        const gate = gateOf(stack, database, app)
        const { name } = app.service
        if (gate.kind !== 'short form' || told.has(name)) continue
        told.add(name)
        const { condition } = app.service.dependsOn.get(gate.migrator)!
        yield {
          service: name,
          path: ['depends_on', gate.migrator],
          what: `${name} waits for ${gate.migrator} with ${condition}, so not for the end of the migration.`,
          patch: dependsOnCompletion(name, gate.migrator),
        }
      }
    }
  },
  examples: {
    violates: appBesideOneShot('[migrate]'),
    passes: appBesideOneShot(completedMigrate),
  },
}
