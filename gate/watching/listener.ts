// Listening for notifications: each is only a reason to query the ledger, and a flood of them pauses listening.

import { performance } from 'node:perf_hooks'
import { listen, type Session, unlisten } from './ledger-session.ts'

// Any role that may connect can send notifications. A run of the migrator sends a few. More than this in a second come
// from elsewhere, and reading them would cost the app: for a while the gate only polls.
const MOST_IN_A_SECOND = 100
const PAUSED_FOR = 10_000

/** Counts notifications, and switches listening off and on again. */
export class Listener {
  readonly #schema: string
  #second = 0
  #received = 0
  #pausedSince: number | undefined
  #isListening = false

  constructor(schema: string) {
    this.#schema = schema
  }

  /** Begins to listen on a new session. */
  async open(session: Session): Promise<void> {
    this.#pausedSince = undefined
    this.#received = 0
    this.#isListening = await listen(session, this.#schema)
  }

  /** Counts a notification. True if the ledger is to be queried. */
  accept(): boolean {
    if (this.isPaused) return false
    const now = performance.now()
    if (now - this.#second > 1000) {
      this.#second = now
      this.#received = 0
    }
    if (++this.#received > MOST_IN_A_SECOND) this.#pausedSince = now
    return true
  }

  /** Notifications come here. */
  get isListening(): boolean {
    return this.#isListening
  }

  /** Listening is off after a flood. */
  get isPaused(): boolean {
    return this.#pausedSince !== undefined
  }

  /** Sends LISTEN or UNLISTEN where that has changed. */
  async update(session: Session): Promise<void> {
    if (this.#pausedSince === undefined) return
    if (this.#isListening) {
      this.#isListening = false
      await unlisten(session)
    } else if (performance.now() - this.#pausedSince > PAUSED_FOR) await this.open(session)
  }
}
