// Whether a service goes on although a command of its start has failed.

import type { Compound } from '../shell/shell.ts'
import { isServing } from './migrating.ts'
import type { Step } from './step.ts'
import { migrationIn } from './tools.ts'

/**
 * Whether the service goes on when the step at this place has failed.
 * @param steps all that its start runs, in order
 */
export function isFailureIgnored(steps: readonly Step[], at: number): boolean {
  const { within, isTest, from } = steps[at]!
  // the container runs already
  if (from === 'post_start') return true
  const loop = within.findLast(({ kind }) => kind === 'loop')
  if (loop) return isGivenUp(steps, at, loop)
  if (isTest) return isOnlyTold(steps, at)
  return isPassedOver(
    steps.filter((step, i) => i <= at || !isOtherBranch(steps[at]!, step)),
    { ...steps[at]!, last: at },
  )
}

/** What keeps the service from serving: it ends, or it tries again. */
function isWayOut({ text }: Step): boolean {
  return (
    /^(exit\s+([1-9]|["']?\$)|exit$|false$|return\s+([1-9]|["']?\$)|kill\b)/.test(text) ||
    migrationIn(text) !== undefined
  )
}

/** Of a loop that tries again: whether it also ends where no try was a success, and the service goes on. */
function isGivenUp(steps: readonly Step[], at: number, loop: Compound): boolean {
  const step = steps[at]!
  const isInside = ({ within }: Step) => within.includes(loop)
  const last = steps.findLastIndex(isInside)
  const inside = steps.slice(0, last + 1).filter((one, i) => i !== at && isInside(one))
  const after = steps.slice(last + 1)
  const serves = after.findIndex(isServing)
  const untilServing = serves < 0 ? after : after.slice(0, serves)
  const chained = steps.slice(at + 1, steps.findIndex(({ operator }, i) => i >= at && operator !== '&&') + 1)
  const isOfSuccess = (one: Step) => chained.includes(one) || isBranch(one, success(step))
  if ([...inside, ...untilServing].some(one => isWayOut(one) && !isOfSuccess(one))) return false
  const test = loop.condition.trim()
  const breaks = inside.filter(({ text }) => /^break\b/.test(text))
  if (test.includes(step.text) || /^(while (true|:|1)|until false|for \(\(\s*;\s*;\s*\)\))$/.test(test))
    return breaks.some(one => !isOfSuccess(one))
  // a test of something else than a count may be one of the success
  if (!/^for\b|\s-(lt|le|gt|ge)\s|\s-(eq|ne)\s+["']?(?!0\b)|^\w+ \(\(.*[<>]/.test(test)) return false
  const stops = step.stopsOnError && step.operator === ';' && !step.isTest
  // the loop's exit code is that of its last command
  const tells = breaks.length > 0 && after.length === 0 && [step, ...chained].includes(steps[last]!)
  return !stops && !tells
}

/** `if ! migrate; then echo failed; fi; app`: nothing ends in the branch of the failure or behind it, and an app is there. */
function isOnlyTold(steps: readonly Step[], at: number): boolean {
  const step = steps[at]!
  const after = steps.slice(at + 1)
  // of a test in a function that is called, the branches are not seen
  if (!after.some(one => isBranch(one, success(step)) || isBranch(one, failure(step)))) return false
  const onFailure = after.filter(one => !isBranch(one, success(step)))
  const isHandled = onFailure.some(one => /^(exit|return|kill|false)\b/.test(one.text) || migrationIn(one.text))
  return !isHandled && onFailure.some(isServing)
}

function success(test: Step): readonly string[] {
  const text = test.words.join(' ')
  return [text, `! ( ! ${text} )`]
}

function failure(test: Step): readonly string[] {
  const text = test.words.join(' ')
  return [`! ${text}`, `! ( ${text} )`]
}

function isBranch({ conditions }: Step, branch: readonly string[]): boolean {
  return conditions.some(one => branch.includes(one))
}

/** A step or a compound command whose exit code tells of the failure. */
interface Failed extends Pick<Step, 'operator' | 'stopsOnError' | 'within'> {
  /** Where its last step is. */
  readonly last: number
}

/** Whether what follows is run all the same. */
function isPassedOver(steps: readonly Step[], failed: Failed): boolean {
  const { within } = failed
  let { last, operator } = failed
  while (operator === '&&' && last + 1 < steps.length) [last, operator] = commandAt(steps, last + 1, within)
  switch (operator) {
    case '&':
      // also at the end: the shell has ended well before it
      return true
    case '|':
      // the exit code is the last one's of the pipe
      return !steps.slice(0, last).some(({ text }) => /^set\b.*pipefail/.test(text))
    case '||': {
      const instead = steps.slice(last + 1, last + 5)
      // `|| code=$?`, and something comes of it later
      const [, code] = /^(\w+)=["']?\$\?["']?$/.exec(instead[0]?.text ?? '') ?? []
      if (code !== undefined)
        return !steps
          .slice(last + 2)
          .some(step => isWayOut(step) && [step.text, ...step.conditions].join().includes(code))
      // another way of migrating is tried: what becomes of its failure counts
      return (
        instead.length > 0 &&
        !instead.some((step, i) => isWayOut(step) && (i === 0 || migrationIn(step.text) === undefined))
      )
    }
    default: {
      // the exit code is looked at in the next line, and something comes of it
      if (steps.slice(last + 1, last + 3).some(({ text }) => text.includes('$?')) && !isServedAlike(steps, last))
        return false
      // `set -e` looks at the last command of a chain of && only, and not below a || or &&
      const stops = failed.stopsOnError && last === failed.last && !isLookedAt(within)
      const around = stops ? within.findLast(({ isOwnShell }) => isOwnShell) : within.at(-1)
      if (!around) return !stops && last < steps.length - 1
      const end = steps.findLastIndex(step => step.within.includes(around))
      if (!stops && last < end) return true
      return isPassedOver(steps, { ...around, last: end, within: within.slice(0, within.indexOf(around)) })
    }
  }
}

/** An app follows, and neither a way out before it nor a condition of its own. */
function isServedAlike(steps: readonly Step[], at: number): boolean {
  const after = steps.slice(at + 1)
  const app = after.findIndex(isServing)
  if (app < 0 || after.slice(0, app).some(isWayOut)) return false
  return after[app]!.conditions.every(condition => steps[at]!.conditions.includes(condition))
}

/** Where the command ends that begins with a step, and what stands behind it. @param within what its list stands in */
function commandAt(steps: readonly Step[], at: number, within: readonly Compound[]): [number, Step['operator']] {
  const compound = steps[at]!.within[within.length]
  if (!compound) return [at, steps[at]!.operator]
  return [steps.findLastIndex(step => step.within.includes(compound)), compound.operator]
}

function isLookedAt(within: readonly Compound[]): boolean {
  const script = within.findLastIndex(({ isScript }) => isScript)
  return within.slice(script + 1).some(({ operator }) => operator === '||' || operator === '&&')
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
