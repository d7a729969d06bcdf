// How a gate listens: a notification is a reason to look, and no more, and a flood of them is not listened to.

import { performance } from 'node:perf_hooks'
import { listen, type Session, unlisten } from './ledger-session.ts'

// Anyone who may connect may notify. A run of the migrator sends a few; what sends so many within a second is no run,
// and reading it all would cost the app more than it is worth: for so long the gate only polls.
const MOST_IN_A_SECOND = 100
const DEAF_FOR = 10_000

/** Counts what is heard, and switches listening off and on again. */
export class Ear {
  readonly #schema: string
  #second = 0
  #heard = 0
  #deafSince: number | undefined
  #isListening = false

  constructor(schema: string) {
    this.#schema = schema
  }

  /** Begins to listen on a new session. */
  async open(session: Session): Promise<void> {
    this.#deafSince = undefined
    this.#heard = 0
    await listen(session, this.#schema)
    this.#isListening = true
  }

  /** Notes a notification. True if it is to be followed by a look. */
  hear(): boolean {
    if (this.isDeaf) return false
    const now = performance.now()
    if (now - this.#second > 1000) {
      this.#second = now
      this.#heard = 0
    }
    if (++this.#heard > MOST_IN_A_SECOND) this.#deafSince = now
    return true
  }

  /** The flood is on, or was a moment ago. */
  get isDeaf(): boolean {
    return this.#deafSince !== undefined
  }

  /** Tells the server, once for each change, whether it is to send notifications. */
  async tend(session: Session): Promise<void> {
    if (this.#deafSince === undefined) return
    if (this.#isListening) {
      this.#isListening = false
      await unlisten(session)
    } else if (performance.now() - this.#deafSince > DEAF_FOR) await this.open(session)
  }
}
