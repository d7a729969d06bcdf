// The second connection of a run, made only when a migration takes a moment: through it the run sees what its first one does.

import type pg from 'pg'
import { Session } from '../postgres/session.ts'

/** Milliseconds that the server may take to answer. */
const answerTimeout = 5_000

/** Kept for all migrations of a run, and made again after it was lost, or the first one was. */
export class WatchConnection {
  readonly #watched: Session
  readonly #abort = new AbortController()
  /** The watched session's own connection, when this one was made. */
  #client: pg.Client | undefined
  #session: Promise<Session> | undefined

  /** @param watched the session that works: of several hosts, this connection goes to the one that it is at. */
  constructor(watched: Session) {
    this.#watched = watched
  }

  /**
   * Asks the server, in words that may depend on its version (`server_version_num`). After an error the next question gets
   * a connection of its own.
   */
  async query<Row extends pg.QueryResultRow>(
    text: string | ((version: number) => string),
    values: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    if (this.#client !== this.#watched.client) this.#leave()
    const opening = this.#connect()
    try {
      const session = await opening
      const late = setTimeout(() => session.cut(`no answer in ${answerTimeout} ms`), answerTimeout)
      try {
        return await session.query<Row>(typeof text === 'string' ? text : text(session.greeting.version), values)
      } finally {
        clearTimeout(late)
      }
    } catch (error) {
      if (this.#session === opening) this.#leave()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    const session = await this.#session?.catch(() => undefined)
    session?.close()
  }

  #leave(): void {
    void this.#session?.then(session => session.close()).catch(() => {})
    this.#session = undefined
  }

  #connect(): Promise<Session> {
    const { client, endpoint, options } = this.#watched
    this.#client = client
    this.#session ??= Session.open({
      ...{ target: options.target, log: options.log, endpoint, writable: true },
      timeout: 2_000,
      signal: this.#abort.signal,
      applicationName: 'schemagate watch',
    })
    return this.#session
  }
}
