// Adds up how long a transaction has waited for its locks, from samples of what it waits for.

/** A look at a server process. */
export interface LockLook {
  /** When its transaction began; null where none is open. */
  readonly transaction: string | null
  readonly waiting: boolean
  /** When the wait began (PostgreSQL 14 on, and not in its very first moment). */
  readonly since: string | null
  /** Milliseconds that the wait has lasted. */
  readonly age: number | null
}

interface Wait {
  readonly since: string | null
  readonly age: number
  readonly firstSeen: number
  readonly lastSeen: number
}

/**
 * `lock_timeout` bounds each wait, and a migration waits as often as it needs a lock; the locks that it has by then keep the
 * others waiting all the while. Each transaction begins at zero: its locks are its own.
 */
export class LockClock {
  #transaction: string | null = null
  #ended = 0
  #wait: Wait | undefined

  /** Takes in a look at the time `now`; returns the milliseconds that the transaction has waited so far. */
  see(look: LockLook, now: number): number {
    if (look.transaction !== this.#transaction) {
      this.#transaction = look.transaction
      this.#ended = 0
      this.#wait = undefined
    }
    const before = this.#wait
    const same =
      look.waiting &&
      before !== undefined &&
      (look.since === null || before.since === null || look.since === before.since)
    if (before && !same) {
      // it went on after the last look, for half of the time until now on average
      this.#ended += before.age + Math.max(0, now - before.lastSeen - (look.age ?? 0)) / 2
      this.#wait = undefined
    }
    if (look.waiting) {
      const firstSeen = this.#wait?.firstSeen ?? now
      this.#wait = { since: look.since, age: look.age ?? now - firstSeen, firstSeen, lastSeen: now }
    }
    return this.#ended + (this.#wait?.age ?? 0)
  }
}
