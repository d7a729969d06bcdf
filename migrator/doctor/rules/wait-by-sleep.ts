// A wait that asks only for time or for an open port.

import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { isServing } from '../startup/migrating.ts'
import type { Step } from '../startup/step.ts'
import { migrationIn } from '../startup/tools.ts'
import { isWaitWrapper } from '../startup/wrappers.ts'
import type { Rule } from './rule.ts'
import { shownStep } from './shown-step.ts'

export const waitBySleep: Rule = {
  id: 'wait-by-sleep',
  severity: 'warning',
  title: 'The command waits with `sleep N`, `wait-for-it`, `nc -z` or a loop before the app.',
  why: 'An open port is no ready database, and says nothing of the schema.',
  fix: 'Conditions of `depends_on`; `schemagate wait --` where there are none.',
  *check(stack) {
    for (const member of stack.members.values()) {
      const { service, startup, role } = member
      if (role !== 'app' && role !== 'migrator') continue
      const { steps } = startup
      const main = steps.findIndex(step => isServing(step) || (!step.inLoop && migrationIn(step.text)))
      // a loop around the migration itself tries again, and waits for nothing else
      const retries = steps.some(step => step.inLoop && migrationIn(step.text))
      // where no app is seen behind it, only what is made to wait for one is a wait
      const isBefore = (step: Step) => main >= 0 || isWaitWrapper(step.words[0]?.split('/').at(-1) ?? '')
      const before = steps
        .slice(0, main < 0 ? undefined : main)
        .filter(step => isBefore(step) && !(retries && step.inLoop))
      const wait = before.find(step => isWait(step, member, stack))
      if (!wait) continue
      yield {
        service: service.name,
        path: [service.command === undefined && service.entrypoint !== undefined ? 'entrypoint' : 'command'],
        what: `${service.name} waits with ${shownStep(wait)} before it starts.`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  app:
    build: .
    command: sh -c "sleep 10 && node server.js"
    environment:
      DATABASE_URL: postgres://app@db/app
`,
    passes: `services:
  db:
    image: postgres:17
  backup:
    image: postgres:17
    command: sh -c "while true; do pg_dump -h db app > /backup/app.sql; sleep 86400; done"
`,
  },
}

/** A wait for another part of the stack is no concern of this rule. */
function isWait({ words, text, inLoop }: Step, { uses }: Member, stack: Stack): boolean {
  const name = words[0]?.split('/').at(-1) ?? ''
  if (name === 'sleep') return /^\d|\$/.test(words[1] ?? '')
  const isProbe = isWaitWrapper(name) || (/^(nc|ncat)$/.test(name) && / -\w*z/.test(text)) || text.includes('/dev/tcp/')
  if (!isProbe && !(inLoop && /^(pg_isready|psql|nc|ncat|curl|timeout)$/.test(name))) return false
  const others = [...stack.members.values()].filter(
    ({ service }) => !uses.some(({ server }) => server === service.name),
  )
  const namesOther = others.some(
    ({ service, role }) =>
      role !== 'pooler' && new RegExp(`(^|[\\s/@])${service.name.replace(/\W/g, '\\$&')}(:|\\s+\\d|\\s*$)`).test(text),
  )
  return !namesOther || uses.some(({ server }) => text.includes(server))
}
