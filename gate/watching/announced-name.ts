// What a gate's session says in pg_stat_activity: its app's head, or that nothing of the app runs any more.

import { DRAINED } from '../protocol/announcement.ts'
import { rename, type Session } from './ledger-session.ts'

/** One gate's. The migrator waits until it says `DRAINED` before it does what would break the app. */
export class AnnouncedName {
  readonly #own: string
  #name: string
  /** Counts openings: an announcement of `DRAINED` that began before one must not be sent after it. */
  #round = 0
  #isWaiting = false

  /** @param own what it says while the app may be at work. */
  constructor(own: string) {
    this.#own = own
    this.#name = own
  }

  get isDrained(): boolean {
    return this.#name === DRAINED
  }

  /** The name for a new session. */
  forNewSession(): string {
    this.#name = this.#own
    return this.#own
  }

  /** Takes `DRAINED` back: the gate is about to open. */
  async retract(session: Session): Promise<void> {
    this.#round++
    if (!this.isDrained) return
    this.#name = this.#own
    await rename(session, this.#own)
  }

  /**
   * Says `DRAINED` once nothing of this app runs any more. After a failure (the app's own `drain`, a lost connection) the
   * name stays, and this is to be called again.
   * @param ended resolves when nothing runs any more.
   * @param isOpen whether the session still is.
   */
  sayDrained(session: Session, ended: () => Promise<void>, isOpen: () => boolean): void {
    if (this.#isWaiting || this.isDrained) return
    this.#isWaiting = true
    const round = this.#round
    const done = async () => {
      await ended()
      if (round !== this.#round || !isOpen()) return
      // Set before the query is sent: an opening at the same time sends its own name after this one.
      this.#name = DRAINED
      await rename(session, DRAINED)
    }
    done()
      .catch(() => {})
      .finally(() => {
        this.#isWaiting = false
      })
  }

  /** The gate is closed for good: nothing is said any more. */
  end(): void {
    this.#round++
  }
}
