// Asks again until an assertion holds: what a test does instead of sleeping and hoping.

export interface EventuallyOptions {
  /** Milliseconds until the last failure is final. */
  readonly timeout?: number
  /** Milliseconds between two attempts. */
  readonly interval?: number
}

/**
 * Repeats `attempt` until it does not throw and returns its result; after `timeout` the last error is thrown, with the
 * time that was spent. `attempt` may be asynchronous.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeout = 10_000, interval = 25 } = options
  const started = Date.now()
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      const spent = Date.now() - started
      if (spent + interval > timeout) {
        if (error instanceof Error) error.message += `\n(still so after ${spent} ms and ${attempts} attempts)`
        throw error
      }
    }
    await new Promise(resolve => setTimeout(resolve, interval))
  }
}
