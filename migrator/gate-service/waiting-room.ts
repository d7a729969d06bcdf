// The waiting room of `--hold`: answers that wait until the gate opens, bounded in number and in time.

import type { Gate } from '../../gate/gate.ts'
import type { GateStatus } from '../../gate/status.ts'

/** How an answer's wait has ended: the gate opened, the time was up, waiting became pointless, or the client left. */
export type WaitEnd = 'opened' | 'timeout' | 'closed' | 'gone'

/** The most answers that wait at once: each holds a connection here, and two at the proxy. */
const CAPACITY = 1_000

interface Waiting {
  /** Milliseconds of `performance.now()`. */
  readonly since: number
  readonly timer: NodeJS.Timeout
  readonly end: (how: WaitEnd) => void
}

/** The requests that wait. Whoever finds it full is refused at once, and counted in `shed`. */
export class WaitingRoom {
  /** How many waits have ended in which way, and how many found the room full. */
  readonly ended: Record<WaitEnd, number> = { opened: 0, timeout: 0, closed: 0, gone: 0 }
  shed = 0
  /** The longest wait that ended with an open gate, in milliseconds. */
  longest = 0
  readonly #gate: Gate
  readonly #hold: number
  readonly #waiting = new Set<Waiting>()

  /** @param hold the longest wait in milliseconds; 0 for no wait. */
  constructor(gate: Gate, hold: number) {
    this.#gate = gate
    this.#hold = hold
    gate.on('change', () => this.#onChange())
  }

  get size(): number {
    return this.#waiting.size
  }

  /**
   * Waits. Returns a function for when the client has left; undefined if there is no room, or no use in waiting.
   * @param end called once, with what ended the wait.
   */
  enter(end: (how: WaitEnd) => void): (() => void) | undefined {
    if (this.#hold === 0 || !mayOpen(this.#gate.status)) return undefined
    if (this.#waiting.size >= CAPACITY) {
      this.shed++
      return undefined
    }
    const timer = setTimeout(() => this.#end(waiting, 'timeout'), this.#hold)
    const waiting: Waiting = { since: performance.now(), timer, end }
    this.#waiting.add(waiting)
    return () => this.#end(waiting, 'gone')
  }

  /** Ends every wait: the gate is closed for good. */
  close(): void {
    for (const waiting of this.#waiting) this.#end(waiting, 'closed')
  }

  #onChange(): void {
    if (this.#gate.isOpen) for (const waiting of this.#waiting) this.#end(waiting, 'opened')
    else if (!mayOpen(this.#gate.status)) this.close()
  }

  #end(waiting: Waiting, how: WaitEnd): void {
    if (!this.#waiting.delete(waiting)) return
    clearTimeout(waiting.timer)
    this.ended[how]++
    if (how === 'opened') this.longest = Math.max(this.longest, performance.now() - waiting.since)
    waiting.end(how)
  }
}

/** Whether a closed gate may open without a new release of the app or a decision of an operator's. */
function mayOpen({ state, unfinished }: GateStatus): boolean {
  return state !== 'diverged' && state !== 'foreign' && (state !== 'too-old' || unfinished === true)
}
