// What was let through: a 200 says nothing of the request then on its way, so the gate counts as an app that is still inside
// for a while after its last one.

import { performance } from 'node:perf_hooks'
import type { Gate } from '../../gate/gate.ts'

/**
 * All requests together stand for one visitor of the gate, who leaves `drain` milliseconds after the last 200. Until then a
 * closed gate does not announce that it is drained, and a breaking migration waits.
 */
export class LetThrough {
  readonly #gate: Pick<Gate, 'enter' | 'leave'>
  readonly #drain: number
  #until = 0
  #timer: NodeJS.Timeout | undefined
  #whenGone: (() => void)[] = []

  constructor(gate: Pick<Gate, 'enter' | 'leave'>, drain: number) {
    this.#gate = gate
    this.#drain = drain
  }

  /** One more, if the gate is open. True must be answered with 200 before anything else runs. */
  admit(): boolean {
    if (!this.#gate.enter()) return false
    if (this.#timer !== undefined) this.#gate.leave()
    this.#until = performance.now() + this.#drain
    this.#timer ??= this.#leaveIn(this.#drain)
    return true
  }

  /** Resolves when nothing that was let through can still be on its way. */
  async whenGone(): Promise<void> {
    if (this.#timer !== undefined) await new Promise<void>(resolve => this.#whenGone.push(resolve))
  }

  /** One timer, set again when it finds that more were let through: 5,000 a second would be 5,000 timers. */
  #leaveIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const rest = this.#until - performance.now()
      this.#timer = rest > 0 ? this.#leaveIn(Math.ceil(rest)) : undefined
      if (this.#timer !== undefined) return
      this.#gate.leave()
      for (const resolve of this.#whenGone.splice(0)) resolve()
    }, ms)
  }
}
