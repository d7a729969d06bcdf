// A password that stands in the file.

import type { Rule } from './rule.ts'

export const passwordLiteral: Rule = {
  id: 'password-literal',
  severity: 'note',
  title:
    "The database's password, or a default for one, stands in the file; it is empty, or none is asked for (`trust`).",
  why: 'It is in the history of the repository, and the same on every machine that took the file as it is.',
  fix: 'A variable without a default, or a secret and POSTGRES_PASSWORD_FILE.',
  *check(stack) {
    for (const { service, role } of stack.members.values()) {
      if (role !== 'database') continue
      const { name, environment } = service
      const { places } = stack.compose
      const keys = ['POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD', 'POSTGRESQL_POSTGRES_PASSWORD', 'PGPASSWORD']
      const key = keys.find(one => one in environment && isLiteral(places.raw(name, ['environment', one])))
      const isTrusted = environment.POSTGRES_HOST_AUTH_METHOD === 'trust' || environment.ALLOW_EMPTY_PASSWORD === 'yes'
      if (key === undefined && !isTrusted) continue
      yield {
        service: name,
        path: ['environment', key ?? 'POSTGRES_HOST_AUTH_METHOD'],
        what:
          key === undefined ? `${name} asks for no password.` : `The password of ${name} stands in the file (${key}).`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    environment:
      POSTGRES_PASSWORD: \${DB_PASSWORD:-postgres}
`,
    passes: `services:
  db:
    image: postgres:17
    environment:
      POSTGRES_PASSWORD: \${DB_PASSWORD:?is not set}
`,
  },
}

/** Of a list's line the part behind the name counts. */
function isLiteral(raw: string | undefined): boolean {
  if (raw === undefined) return false
  const value = /^[A-Z_]+=/.test(raw) ? raw.slice(raw.indexOf('=') + 1) : raw
  const variable = /^["']?\$\{?\w+(?::?(-[^}]*|[?+][^}]*))?\}?["']?$/.exec(value.trim())
  return variable ? (variable[1] ?? '').startsWith('-') : !/^\$/.test(value.trim())
}
