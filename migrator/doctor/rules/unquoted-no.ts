// `restart: no`, which YAML 1.1 reads as false.

import { serversOf } from '../model/gating.ts'
import type { Rule } from './rule.ts'

export const unquotedNo: Rule = {
  id: 'unquoted-no',
  severity: 'error',
  title: '`restart: no` without quotes.',
  why: 'It is `false` to a reader of YAML 1.1. Compose takes it today, other readers do not.',
  fix: '`restart: "no"`.',
  *check(stack) {
    // a stack without Postgres is not what doctor is for
    if (serversOf(stack).length === 0) return
    const { places } = stack.compose
    for (const name of stack.members.keys()) {
      const path = ['restart']
      if (!/^(no|false|off)$/i.test(places.raw(name, path) ?? '') || !places.isPlain(name, path)) continue
      yield {
        service: name,
        path,
        what: `The restart policy of ${name} is the truth value false, not the word "no".`,
        patch: { services: { [name]: { restart: 'no' } } },
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  migrate:
    image: example/app:1
    command: npx prisma migrate deploy
    restart: no
    environment:
      DATABASE_URL: postgres://app@db/app
`,
    passes: `services:
  db:
    image: postgres:17
  migrate:
    image: example/app:1
    command: npx prisma migrate deploy
    restart: "no"
    environment:
      DATABASE_URL: postgres://app@db/app
`,
  },
}
