// The second connection of a run, made only when a migration takes a moment: through it the run sees what its first one does.

import type pg from 'pg'
import type { ConnectOptions } from '../postgres/connect.ts'
import { Session } from '../postgres/session.ts'

/** Milliseconds that the server may take to answer. */
const answerTimeout = 5_000

export type WatchOptions = Omit<ConnectOptions, 'applicationName' | 'signal'>

/** Kept for all migrations of a run, and made again after it was lost. */
export class WatchConnection {
  readonly #options: WatchOptions
  readonly #abort = new AbortController()
  #session: Promise<Session> | undefined

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /**
   * Asks the server, in words that may depend on its version (`server_version_num`). After an error the next question gets
   * a connection of its own.
   */
  async query<Row extends pg.QueryResultRow>(
    text: string | ((version: number) => string),
    values: unknown[],
  ): Promise<pg.QueryResult<Row>> {
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
      if (this.#session === opening) this.#session = undefined
      void opening.then(session => session.close()).catch(() => {})
      throw error
    }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    const session = await this.#session?.catch(() => undefined)
    session?.close()
  }

  #connect(): Promise<Session> {
    this.#session ??= Session.open({
      ...this.#options,
      timeout: 2_000,
      signal: this.#abort.signal,
      applicationName: 'schemagate watch',
    })
    return this.#session
  }
}
