// Limits how many passwords are hashed at once, so that memory and cores stay free for other requests.

import { Problem } from '../problem.ts'

/** Runs what it is given, `atOnce` at a time; past `waiting` more, it refuses with a 503 rather than let all of them wait. */
export class HashQueue {
  readonly #atOnce: number
  readonly #waiting: number
  #running = 0
  readonly #queue: (() => void)[] = []

  constructor(atOnce: number, waiting: number) {
    this.#atOnce = atOnce
    this.#waiting = waiting
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) {
      if (this.#queue.length >= this.#waiting)
        throw new Problem(503, 'Too many logins at once.', { headers: { 'retry-after': '2' } })
      // The hash that ends gives its place to the next, so `running` does not change.
      await new Promise<void>(resolve => this.#queue.push(resolve))
    } else {
      this.#running++
    }
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#running--
    }
  }
}
