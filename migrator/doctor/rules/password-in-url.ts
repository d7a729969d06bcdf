// A password that is put into a URL without being encoded.

import type { Rule } from './rule.ts'

export const passwordInUrl: Rule = {
  id: 'password-in-url',
  severity: 'note',
  title: 'A variable for the password stands inside a URL.',
  why: 'A password with `/`, `?`, `#`, `@` or `%` breaks it, on the day on which somebody sets a good one.',
  fix: 'PGHOST, PGUSER, PGPASSWORD and the other PG* variables, or a URL from a file.',
  *check(stack) {
    const { places } = stack.compose
    for (const { service, uses } of stack.members.values()) {
      if (uses.length === 0) continue
      for (const key of Object.keys(service.environment)) {
        const raw = places.raw(service.name, ['environment', key])
        if (
          raw === undefined ||
          !/^[^\s]*\b(postgres\w*|postgis|pgsql|ecto|psql)(\+\w+)?:\/\/[^\s/]*:\$\{?\w+.*@/i.test(raw)
        )
          continue
        yield {
          service: service.name,
          path: ['environment', key],
          what: `${key} of ${service.name} has a password put into a URL as it is.`,
        }
        break
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app:\${DB_PASSWORD}@db/app
`,
    passes: `services:
  db:
    image: postgres:17
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
      PGPASSWORD: \${DB_PASSWORD}
`,
  },
}
