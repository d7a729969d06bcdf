// A command as a finding shows it: as the files have it, without a password, and no longer than a line.

import { redactor } from '../../text/redact.ts'
import type { Service } from '../compose/service.ts'
import { unshield } from '../compose/shield.ts'
import { isHook, type Step } from '../startup/step.ts'

const longest = 60
const redact = redactor()

/** In backquotes; a step whose text is not known is "one of its commands". */
export function shownStep({ written }: Step): string {
  // what a variable holds may be a secret as a whole
  if (written === undefined) return 'one of its commands'
  // before it is cut: half of a URL is not known as one
  const text = redact(unshield(written))
  return `\`${text.length > longest ? `${text.slice(0, longest - 3)}...` : text}\``
}

/** The key of the service that has it run. */
export function pathOf({ command, entrypoint }: Service, step: Step | undefined): string {
  if (step && isHook(step)) return step.from
  return command === undefined && entrypoint !== undefined ? 'entrypoint' : 'command'
}
