// An overlay that takes the migration out of an app's command into a one-shot of the same image.

import type { Service } from '../compose/service.ts'
import { toComposeText } from '../compose/shield.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { readLine, wordsOf } from '../startup/line.ts'
import { isFirstPhase, isIdling, isServing, isServingForSure } from '../startup/migrating.ts'
import type { Step } from '../startup/step.ts'
import { migrationIn } from '../startup/tools.ts'
import { shellFor, shellOf, unwrapped } from '../startup/wrappers.ts'
import { oneShotOf } from './one-shot.ts'
import type { Patch } from './patch.ts'

/** What changes the shell that runs it. */
const setsUp = /^(cd|export|umask|ulimit|\.|source|\w+=.*)$/

/** What the steps before one have set up for it, undefined where it cannot be said what that is. */
export function setUpFor(steps: readonly Step[], at: number): readonly Step[] | undefined {
  const { processes: own } = steps[at]!
  const found = steps
    .slice(0, at)
    .filter(({ words, processes }) => setsUp.test(words[0] ?? '') && processes.every((one, i) => one === own[i]))
  return found.some(({ conditions, written }) => conditions.length > 0 || written === undefined) ? undefined : found
}

/** Undefined where the command is not in the compose file, or cannot be taken apart without a doubt. */
export function splitPatch(
  { compose, members }: Stack,
  { service, startup, migration, role }: Member,
): Patch | undefined {
  const { steps } = startup
  if (
    migration?.step === undefined ||
    steps.some(({ from, conditions }) => from !== 'compose' || conditions.length > 0)
  )
    return undefined
  if (steps.some(({ inLoop, operator }) => inLoop || operator === '|')) return undefined
  const own = steps.filter(
    (step, i) => !/^(set|true|:)$/.test(step.words[0] ?? '') && !isIdling(step) && !isInstead(steps, i),
  )
  if (own.some(({ written }) => written === undefined)) return undefined
  if (own.some(step => step.operator === '||' && own.includes(steps[steps.indexOf(step) + 1]!))) return undefined
  const shell = shellFor(own.map(step => step.shell))
  if (role === 'migrator')
    return { services: { [service.name]: { entrypoint: [...shell, '-ec'], command: [script(own)] } } }
  const at = own.indexOf(steps[migration.step]!)
  const first = own.findIndex((step, i) => i > at && isServing(step))
  // one after the other is not what two of them at once are
  const others = [...own.slice(0, at), ...own.slice(first, -1)]
  if (first < 0 || others.some(({ operator }) => operator === '&')) return undefined
  const before = own.slice(0, first)
  if (before.slice(0, at).some(isServingForSure)) return undefined
  const after = [...before.filter((step, i) => i !== at && isForApp(step, own[i + 1])), ...own.slice(first)]
  if (after.some(({ text }) => migrationIn(text))) return undefined
  const name = `${service.name}-migrate`
  if (members.has(name)) return undefined
  const kept = handsOn(service) ? compose.written[service.name]?.entrypoint : undefined
  const inShell = (options: string, steps: readonly Step[]) =>
    kept === undefined
      ? { entrypoint: [...shell, options], command: [script(steps)] }
      : { command: [...shell, options, script(steps)] }
  const oneShot = oneShotOf(compose, service.name, {
    ...(kept !== undefined && { entrypoint: kept }),
    ...inShell('-ec', before),
  })
  return (
    oneShot && {
      services: {
        [name]: oneShot,
        [service.name]: {
          ...(service.entrypoint === undefined ? { command: [...shell, '-c', script(after)] } : inShell('-c', after)),
          depends_on: { [name]: { condition: 'service_completed_successfully' } },
        },
      },
    }
  )
}

/** Its entrypoint is a script that is not here, and runs the shell that the command is: what it sets up, both need. */
function handsOn({ entrypoint, command }: Service): boolean {
  if (entrypoint === undefined || command === undefined || !shellOf(wordsOf(command))?.script) return false
  const { wait, lead, rest } = unwrapped(readLine(entrypoint))
  return wait === undefined && lead.length === 0 && rest.words.length > 0 && shellOf(rest.words) === undefined
}

/**
 * A folder or a variable that the shell was given holds for the app, too; and what a script of the project's does may
 * be for it.
 */
function isForApp(step: Step, next: Step | undefined): boolean {
  return setsUp.test(step.words[0] ?? '') || (isServing(step) && !isFirstPhase(step, next))
}

/** What is run where the migration has failed: a one-shot ends there. */
function isInstead(steps: readonly Step[], at: number): boolean {
  const failed = steps[at - 1]
  if (failed?.operator !== '||' || migrationIn(failed.text) === undefined) return false
  return steps[at]!.within.length === failed.within.length
}

/** One after the other, each only if the one before it went well; the last takes the shell's place. */
export function script(steps: readonly Step[]): string {
  const commands = steps.map(
    ({ written = '' }, i) =>
      `${i === steps.length - 1 && !/^(exec|cd|export)\b|^\w+=/.test(written) ? 'exec ' : ''}${written}`,
  )
  return toComposeText(commands.join(' && '))
}
