// What was thrown, in words: any value may be.

import { inspect } from 'node:util'

/**
 * The message of an error, with what it was caused by: `fetch failed` alone says nothing, and an AggregateError of Node's has
 * no message at all. A cause that its error quotes is not said twice.
 */
export function messageOfThrown(thrown: unknown, seen: ReadonlySet<unknown> = new Set()): string {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? thrown : inspect(thrown)
  const said = new Set([...seen, thrown])
  const inner = thrown instanceof AggregateError ? [...thrown.errors, thrown.cause] : [thrown.cause]
  const causes = inner
    .filter(cause => cause !== undefined && cause !== null && !said.has(cause))
    .map(cause => messageOfThrown(cause, said))
    .filter(text => !thrown.message.includes(text))
  const message = thrown.message || (causes.length > 0 ? '' : thrown.name)
  return [message, [...new Set(causes)].join('; ')].filter(text => text !== '').join(': ')
}

/**
 * The same value, or an error in its place where it cannot be looked at: a getter, a proxy, a `toString` may throw as well.
 */
export function readableThrown(thrown: unknown): unknown {
  try {
    messageOfThrown(thrown)
    if (thrown instanceof Error)
      for (const name of ['stack', ...Object.getOwnPropertyNames(thrown)]) Reflect.get(thrown, name)
    return thrown
  } catch {
    return new Error('What was thrown cannot be read: it throws itself.')
  }
}
