// A command that goes on after the migration has failed.

import { isServing } from '../model/migrating.ts'
import type { Member, Stack } from '../model/stack.ts'
import type { Step } from '../model/startup.ts'
import { migrationIn } from '../model/tools.ts'
import type { Rule } from './rule.ts'
import { shownStep } from './shown-step.ts'
import { splitPatch } from './split-patch.ts'

export const chainIgnoresFailure: Rule = {
  id: 'chain-ignores-failure',
  severity: 'error',
  title:
    'The command goes on when the migration fails: `migrate ; app`, `migrate || true`, `migrate & app`, a script without `set -e`.',
  why: 'The app serves after a failed migration, and nothing says so: the failure is a line in a log.',
  fix: '`&&` in place of `;`, `set -e` at the top of a script; better a one-shot of its own.',
  *check(stack) {
    for (const member of stack.members.values()) {
      const { service, startup, role } = member
      if (role !== 'app' && role !== 'migrator') continue
      const { steps } = startup
      const ignored = steps.find((step, i) => isMigration(step) && (step.isTest ? isOnlyTold : ignores)(steps, i))
      if (!ignored || isBehindTheSame(stack, member)) continue
      yield {
        service: service.name,
        path: [service.command === undefined && service.entrypoint !== undefined ? 'entrypoint' : 'command'],
        what: `${service.name} goes on when ${shownStep(ignored)} fails${ignored.from === 'context' ? ' (a script of the build context)' : ''}.`,
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

function isMigration({ text, inLoop }: Step): boolean {
  return !inLoop && migrationIn(text) !== undefined
}

/** `if ! migrate; then echo failed; fi; app`: nothing ends in the branch of the failure or behind it, and an app is there. */
function isOnlyTold(steps: readonly Step[], at: number): boolean {
  const test = steps[at]!.words.join(' ')
  const success = [test, `! ( ! ${test} )`]
  const failure = [`! ${test}`, `! ( ${test} )`]
  const after = steps.slice(at + 1)
  const isIn = (step: Step, branch: readonly string[]) => step.conditions.some(one => branch.includes(one))
  // of a test in a function that is called, the branches are not seen
  if (!after.some(step => isIn(step, [...success, ...failure]))) return false
  const onFailure = after.filter(step => !isIn(step, success))
  const isHandled = onFailure.some(({ text }) => /^(exit|return|kill|false)\b/.test(text) || migrationIn(text))
  return !isHandled && onFailure.some(isServing)
}

/** Whether what follows is run although this step has failed. */
function ignores(all: readonly Step[], at: number): boolean {
  const steps = all.filter((step, i) => i <= at || !isOtherBranch(all[at]!, step))
  let end = at
  while (steps[end]?.operator === '&&' && end + 1 < steps.length) end += 1
  const { operator, stopsOnError } = steps[end]!
  const isLast = end === steps.length - 1
  switch (operator) {
    case '&':
      return !isLast
    case '|':
      // the exit code is the last one's of the pipe
      return !steps.slice(0, at).some(({ text }) => /^set\b.*pipefail/.test(text))
    case '||': {
      const instead = steps.slice(end + 1, end + 5)
      if (instead.length === 0) return false
      if (instead.some(({ text }) => /^(exit\s+([1-9]|\$)|exit$|false$|return\s+[1-9]|kill\b)/.test(text))) return false
      // another way of migrating is tried: what becomes of its failure counts
      return migrationIn(instead[0]!.text) === undefined
    }
    case ';':
      // the exit code is looked at in the next line
      if (steps.slice(end + 1, end + 3).some(({ text }) => text.includes('$?'))) return false
      // `set -e` looks at the last command of a chain of && only
      return !isLast && !(stopsOnError && end === at)
    default:
      return false
  }
}

/** One is in the `then`, the other in the `else`; or they are two cases. */
function isOtherBranch(a: Step, b: Step): boolean {
  return a.conditions.some(one => {
    const subject = /^case .* in /.exec(one)?.[0]
    return b.conditions.some(
      other =>
        other === `! ( ${one} )` ||
        one === `! ( ${other} )` ||
        (subject !== undefined && other !== one && other.startsWith(subject)),
    )
  })
}
