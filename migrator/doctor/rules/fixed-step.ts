// A migrator that goes so far and no further.

import type { Rule } from './rule.ts'

export const fixedStep: Rule = {
  id: 'fixed-step',
  severity: 'warning',
  title: "The migrator's command has a number (`up 2`) or a fixed target.",
  why: 'The next file is never applied, and nothing reports it.',
  fix: '`up`, without a number.',
  *check(stack) {
    for (const { service, migration, role } of stack.members.values()) {
      if (!migration?.fixedStep || (role !== 'migrator' && role !== 'app')) continue
      yield {
        service: service.name,
        path: [service.command === undefined && service.entrypoint !== undefined ? 'entrypoint' : 'command'],
        what: `${service.name} migrates to a fixed point (${migration.tool}), so a later migration is left out without a word.`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  migrate:
    image: migrate/migrate:v4
    command: ["-path", "/migrations", "-database", "postgres://app@db/app", "up", "2"]
`,
    passes: `services:
  db:
    image: postgres:17
  migrate:
    image: migrate/migrate:v4
    command: ["-path", "/migrations", "-database", "postgres://app@db/app", "up"]
`,
  },
}
