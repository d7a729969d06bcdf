// What a test does instead of sleeping: vitest's own waiting, with the limits that real servers and processes need.

import { vi } from 'vitest'

export interface EventuallyOptions {
  /** Milliseconds until the last failure is final. */
  readonly timeout?: number
  /** Milliseconds between two attempts. */
  readonly interval?: number
}

/** Repeats `attempt` until it does not throw, and returns its result. @throws its last error, after `timeout`. */
export function eventually<T>(attempt: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeout = 10_000, interval = 25 } = options
  return vi.waitFor(attempt, { timeout, interval, message: `still so after ${timeout} ms` })
}
