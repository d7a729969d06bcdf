// Commands that are started together, as the list that a shell would have for them.

import type { Compound } from '../shell/shell.ts'
import { isServing } from './migrating.ts'
import type { Step } from './step.ts'
import { migrationIn, waitsForMigrations } from './tools.ts'

/**
 * Commands that are started together, as a list. Their order is free: what only migrates comes first, so that the others
 * go on behind it; what migrates before it serves comes last, but for a worker beside it.
 * @param endsTogether the failure of one ends all
 */
export function atOnce(commands: readonly (readonly Step[])[], endsTogether = false): Step[] {
  const waits = commands.some(steps => steps.some(waitsForAnother))
  const operator = endsTogether || waits ? '&&' : '&'
  const hasWorker = commands.some(steps => !migrates(steps) && steps.some(isWorker))
  const rank = (steps: readonly Step[]) => (!migrates(steps) ? 1 : steps.some(isServing) && !hasWorker ? 2 : 0)
  const ordered = commands.filter(steps => steps.length > 0).toSorted((a, b) => rank(a) - rank(b))
  return ordered.flatMap((steps, i) => asOne(steps, i === ordered.length - 1 ? 'end' : operator))
}

/** What a script of its own runs, in the place of one command. */
export function asOne(steps: readonly Step[], operator: Step['operator']): Step[] {
  if (steps.length === 1) return [{ ...steps[0]!, operator }]
  const call: Compound = { ...ownScript, operator }
  return steps.map(step => ({ ...step, within: [call, ...step.within] }))
}

const ownScript = { kind: 'group', condition: '', stopsOnError: false, isOwnShell: true, isScript: true } as const

/** Whether one of the steps applies migrations. */
export function migrates(steps: readonly Step[]): boolean {
  return steps.some(({ text }) => migrationIn(text) !== undefined)
}

/** It uses the database as the app beside it does; a proxy may not. */
function isWorker({ text }: Step): boolean {
  return /\b(celery|rqworker|rq worker|dramatiq|sidekiq|good_job|queue:(work|listen)|artisan horizon)\b/.test(text)
}

/** For the migrations themselves, or for a file that is there when they have ended. */
function waitsForAnother({ text, inLoop }: Step): boolean {
  return waitsForMigrations(text) || (inLoop && /^\[\[? (! )?-[ef]\s/.test(text))
}
