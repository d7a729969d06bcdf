// Reads the overview again and again, for as long as somebody looks at the page: no request causes a query of its own.

import { setTimeout as pause } from 'node:timers/promises'
import { type Connections, connectionsOf } from '../../../gate/connection.ts'
import type { Gate } from '../../../gate/gate.ts'
import type { Target } from '../../../gate/postgres/target.ts'
import { LOOKING } from '../../../gate/protocol/announcement.ts'
import { openSession, type Session, settle } from '../../../gate/watching/ledger-session.ts'
import { type Overview, readOverview } from './overview.ts'

/** Milliseconds. */
const INTERVAL = 2_000
const LOOKED_AT_FOR = 10_000
const LONGEST_ANSWER = 3_000
const FIRST_ANSWER = 1_000

/** Asks over a connection of its own, and only while the page is watched. */
export class Observer {
  /** The last one that was read; undefined before the first, and while the database does not answer. */
  overview: Overview | undefined
  readonly #gate: Gate
  readonly #connections: Connections
  readonly #schema: string
  readonly #isWatched: () => boolean
  readonly #onRead: () => void
  readonly #end = new AbortController()
  #lookedAt = 0
  #loop: Promise<void> | undefined
  #first: Promise<void> | undefined

  /**
   * @param isWatched whether a browser shows the live page.
   * @param onRead called after each attempt to read.
   */
  constructor(gate: Gate, connection: Target, schema: string, isWatched: () => boolean, onRead: () => void) {
    this.#gate = gate
    this.#connections = connectionsOf({ connection })
    this.#schema = schema
    this.#isWatched = isWatched
    this.#onRead = onRead
  }

  /** Somebody looks. Resolves when there is something to show, or after a second. */
  async look(): Promise<void> {
    this.#lookedAt = performance.now()
    if (this.#end.signal.aborted) return
    if (this.#loop === undefined) {
      let done = () => {}
      this.#first = new Promise(resolve => {
        done = resolve
      })
      this.#loop = this.#run(done).finally(() => {
        this.#loop = undefined
      })
    }
    await Promise.race([this.#first, pause(FIRST_ANSWER, undefined, { ref: false })])
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#loop
  }

  async #run(onFirst: () => void): Promise<void> {
    let session: Session | undefined
    let isLost = false
    const { signal } = this.#end
    while (!signal.aborted && (this.#isWatched() || performance.now() - this.#lookedAt < LOOKED_AT_FOR)) {
      try {
        if (isLost) await session?.close()
        if (isLost || !session) {
          session = await this.#open(() => {
            isLost = true
          })
          isLost = false
        }
        this.overview = await readOverview(session, this.#schema)
      } catch {
        // The gate's own state says why.
        this.overview = undefined
        isLost = true
      }
      onFirst()
      this.#onRead()
      await pause(INTERVAL, undefined, { signal }).catch(() => {})
    }
    await session?.close()
    this.overview = undefined
  }

  async #open(onLost: () => void): Promise<Session> {
    const session = await openSession({
      connections: this.#connections,
      host: this.#gate.host,
      applicationName: LOOKING,
      connectTimeout: LONGEST_ANSWER,
      answerTimeout: LONGEST_ANSWER,
      onLost,
    })
    // Behind a pooler the settings would be those of others, too.
    if (!session.pooled)
      await settle(session, { applicationName: LOOKING, statementTimeout: LONGEST_ANSWER, idleTimeout: LONGEST_ANSWER })
    return session
  }
}
