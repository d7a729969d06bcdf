// The variables of a script, as far as their values are known.

import { valueIn } from '../compose/interpolate.ts'
import type { Service } from '../compose/service.ts'
import { isShielded } from '../compose/shield.ts'
import type { BuildContext } from './build-context.ts'

/** Where values are found. */
interface Known {
  /** What the script was called with. */
  readonly args: readonly string[]
  /** What it has set so far, undefined where it is not known to what. */
  readonly variables: ReadonlyMap<string, string | undefined>
  readonly service: Service
  readonly context: BuildContext
}

/** The text with its variables' values; undefined where one is not known. */
export function expand(text: string, { args, variables, service, context }: Known): string | undefined {
  let isKnown = true
  const all = text
    .replace(/\$(?:[@*]|\{[@*]\})/g, () => args.join(' '))
    .replace(/\$\{[@*]:\s*(-?\d+)(?::\s*(\d+))?\}/g, (_, first, length) => {
      const from = first < 0 ? args.length + Number(first) : first - 1
      return args
        .slice(Math.max(from, 0), length === undefined ? undefined : Math.max(from + Number(length), 0))
        .join(' ')
    })
  const value = all.replace(/\$(?:\{(\w+)(?::?[-=]([^}]*))?\}|(\w+))/g, (_, braced, fallback, plain) => {
    const name = braced ?? plain
    if (variables.has(name)) {
      const own = variables.get(name)
      if (own === undefined) isKnown = false
      return own || (fallback ?? '')
    }
    if (/^\d$/.test(name)) return args[Number(name) - 1] ?? fallback ?? ''
    const set = valueIn(service.environment, name) ?? valueIn(context.image?.environment ?? {}, name)
    if (set !== undefined && !set.includes('${')) return set
    if (fallback !== undefined) return fallback
    // what a script sets itself, or an env file that is not here
    if (service.missingEnvFiles.length > 0 || /^[a-z]/.test(name)) isKnown = false
    return ''
  })
  return isKnown && !value.includes('$') && !isShielded(value) ? value : undefined
}
