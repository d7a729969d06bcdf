// A command that goes on after the migration has failed.

import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { splitPatch } from '../patches/split.ts'
import { isFailureIgnored } from '../startup/failure.ts'
import { migrationIn } from '../startup/tools.ts'
import type { Rule } from './rule.ts'
import { pathOf, shownStep } from './shown-step.ts'

export const chainIgnoresFailure: Rule = {
  id: 'chain-ignores-failure',
  severity: 'error',
  title:
    'The command goes on when the migration fails: `migrate ; app`, `migrate || true`, `migrate & app`, a script without `set -e`, a program of supervisord beside the app, a `post_start` hook.',
  why: 'The app serves after a failed migration, and nothing says so: the failure is a line in a log.',
  fix: '`&&` in place of `;`, `set -e` at the top of a script, the migration before supervisord, `pre_start` in place of `post_start`; better a one-shot of its own.',
  *check(stack) {
    for (const member of stack.members.values()) {
      const { service, startup, role } = member
      if (role !== 'app' && role !== 'migrator') continue
      const { steps } = startup
      const ignored = steps.find(({ text }, i) => migrationIn(text) !== undefined && isFailureIgnored(steps, i))
      if (!ignored || isBehindTheSame(stack, member)) continue
      yield {
        service: service.name,
        path: [pathOf(service, ignored)],
        what: `${service.name} goes on when ${shownStep(ignored)} fails${ignored.from === 'context' ? ' (a file of the build context)' : ''}.`,
        ...patchOf(stack, member),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  web:
    build: .
    command: sh -c "python manage.py migrate; gunicorn app.wsgi"
    environment:
      DATABASE_URL: postgres://app@db/app
`,
    passes: `services:
  db:
    image: postgres:17
  web:
    build: .
    command: sh -c "python manage.py migrate && gunicorn app.wsgi"
    environment:
      DATABASE_URL: postgres://app@db/app
`,
  },
}

/** A one-shot of the same image has run the same migration well before it: there is none left that could fail. */
function isBehindTheSame(stack: Stack, { service, migration }: Member): boolean {
  return waitedFor(stack, service.name).some(
    other =>
      other.role === 'migrator' && other.migration?.tool === migration?.tool && imageOf(other) === imageOf({ service }),
  )
}

/** What must have ended well or be healthy before it is started, directly and through others. */
function waitedFor(stack: Stack, name: string): readonly Member[] {
  const found = new Set<Member>()
  const queue = [name]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const [other, { condition, required }] of stack.members.get(next)?.service.dependsOn ?? []) {
      const member = stack.members.get(other)
      if (!member || !required || condition === 'service_started' || found.has(member)) continue
      found.add(member)
      queue.push(other)
    }
  }
  return [...found]
}

function imageOf({ service: { build, image } }: Pick<Member, 'service'>): string | undefined {
  return build ? [build.context, build.dockerfile, build.target].join(' ') : image?.text
}

function patchOf(stack: Stack, member: Member) {
  const patch = splitPatch(stack, member)
  return patch && { patch }
}
