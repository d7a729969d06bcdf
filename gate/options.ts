// The gate's options, checked: an app may be JavaScript, and `Number(process.env.STALE_AFTER)` of an unset variable is NaN.

import { didYouMean } from './did-you-mean.ts'
import type { GateOptions } from './gate.ts'

/** The longest that setTimeout takes: some 25 days. Anything more would be a millisecond. */
export const LONGEST_TIMEOUT = 2 ** 31 - 1

const known: Record<keyof GateOptions, 'duration' | 'other'> = {
  ...{ url: 'other', connection: 'other', pool: 'other', manifest: 'other', schema: 'other' },
  ...{ pollInterval: 'duration', closedPollInterval: 'duration', staleAfter: 'duration', connectTimeout: 'duration' },
  ...{ announce: 'other', fence: 'other', drain: 'other' },
}

/**
 * With a `staleAfter` that is no number a gate would never open, for a reason that it cannot tell, and a misspelt `drain`
 * would not be waited for.
 * @throws TypeError with every problem.
 */
export function requireOptions(options: GateOptions): void {
  const names = Object.keys(known)
  const problems = Object.entries(options ?? {}).flatMap(([name, value]) => {
    if (!names.includes(name)) return [`there is no option ${name}.${didYouMean(name, names)}`]
    if (known[name as keyof GateOptions] !== 'duration' || value === undefined || isDuration(value)) return []
    return [`${name} is ${String(value)}, but must be a number of milliseconds, more than 0.`]
  })
  if (typeof options?.manifest !== 'object' || options.manifest === null)
    problems.push('manifest is missing: readManifest(FILE) reads it.')
  if (typeof options?.connection === 'string') problems.push('connection is a string: give it as url.')
  if (problems.length > 0) throw new TypeError(`createGate: ${problems.join(' ')}`)
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= LONGEST_TIMEOUT
}
