// How often a piece of work has lost its connection, and over how many crashes of the server.

import { codeOf, isPanic, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { wayOutOf } from '../apply/ways-out.ts'
import { MigrationFailedError } from '../errors.ts'
import { messageOfThrown } from '../text/thrown.ts'

/** A migration that loses its connection each time would be tried for ever. */
const mostLosses = 10
/** One over which the server crashes, as where that has no memory or no disk left, ends all other sessions each time. */
const mostCrashes = 2

/** Those of one piece of work since it has last come further. */
export class Losses {
  readonly #what: string
  #losses = 0
  #crashes = 0
  #isCrash = false
  #reason: unknown

  /** @param what a migration's name, or what else is done. */
  constructor(what: string) {
    this.#what = what
  }

  /** The work has come further. */
  forget(): void {
    this.#losses = 0
    this.#crashes = 0
  }

  /**
   * The connection was lost.
   * @param isSame it was lost again while it was made again: by the same crash, of which the server's own words say more.
   * @throws MigrationFailedError if that was once too often.
   */
  add(cause: unknown, isSame: boolean): void {
    this.#losses++
    if (!isSame) this.#isCrash = false
    if (!isSame || (cause instanceof Error && 'severity' in cause)) this.#reason = cause
    if (isPanic(cause) || codeOf(cause) === sqlstate.crashShutdown) this.#addCrash()
    if (this.#losses > mostLosses) throw this.#failure(`lost its connection ${this.#losses} times`)
  }

  /**
   * The connection was made again.
   * @param wasStarting the server had to start first; one that is back at once is not seen to have crashed.
   * @throws MigrationFailedError if it has crashed once too often.
   */
  madeAgain(wasStarting: boolean): void {
    if (wasStarting) this.#addCrash()
    if (this.#crashes > mostCrashes) throw this.#failure(`lost its server ${this.#crashes} times`)
  }

  #addCrash(): void {
    if (!this.#isCrash) this.#crashes++
    this.#isCrash = true
  }

  #failure(how: string): MigrationFailedError {
    const wayOut = wayOutOf(this.#reason) ?? "Look into the server's log for why its process ended"
    return new MigrationFailedError(
      this.#what,
      `${this.#what} ${how} in a row, the last time with: ${messageOfThrown(this.#reason)}. ${wayOut}; then run \`schemagate up\` again.`,
      { cause: this.#reason },
    )
  }
}
