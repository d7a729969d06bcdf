// The connection that does the work: can be cancelled, lost, and made again.

import net from 'node:net'
import type pg from 'pg'
import { sendCancel } from '../gate/cancel.ts'
import type { Endpoint } from '../gate/target.ts'
import { type Connected, type ConnectOptions, connect, type Greeting } from './connect.ts'
import { noteSent } from './failed-statement.ts'
import { Script } from './script.ts'

/** How long a server may take to acknowledge a cancelled statement, or the end of a connection. */
const goodbye = 1_000

/**
 * A session with a database. `reconnect` makes a new connection under the same object: what holds on to the session
 * (the run, Umzug's context) need not know.
 */
export class Session {
  readonly options: ConnectOptions
  #connected: Connected
  readonly #onAbort = () => void this.#interrupt()

  private constructor(options: ConnectOptions, connected: Connected) {
    this.options = options
    this.#connected = connected
    options.signal.addEventListener('abort', this.#onAbort)
  }

  /** Opens a session; errors as {@link connect}. */
  static async open(options: ConnectOptions): Promise<Session> {
    return new Session(options, await connect(options))
  }

  get client(): pg.Client {
    return this.#connected.client
  }

  get greeting(): Greeting {
    return this.#connected.greeting
  }

  get endpoint(): Endpoint {
    return this.#connected.endpoint
  }

  /**
   * True behind a pooler: the process that the protocol named is not the one that answered. Session locks and settings
   * do not hold there.
   */
  get pooled(): boolean {
    return this.#connected.backendKey.pid !== this.greeting.pid
  }

  async query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>> {
    try {
      return await (values === undefined ? this.client.query<Row>(text) : this.client.query<Row>(text, values))
    } catch (error) {
      noteSent(error, text)
      throw error
    }
  }

  /** Sends many statements as one message. The script is returned at once; await its `done`. */
  script(text: string): Script {
    const script = new Script(text)
    this.client.query(script)
    return script
  }

  /** Sends a COPY ... FROM STDIN and its data, no faster than the server takes it. */
  async copyFrom(text: string, data: Iterable<Buffer>): Promise<void> {
    const { copyFrom } = await import('./copy.ts')
    await copyFrom(this.client, text, data)
  }

  /** True while the server says that a transaction is open, failed or not. */
  get inTransaction(): boolean {
    const status = this.client.getTransactionStatus()
    return status === 'T' || status === 'E'
  }

  /** True while a transaction is open in which a statement has failed: all that it can still do is to be rolled back. */
  get inFailedTransaction(): boolean {
    return this.client.getTransactionStatus() === 'E'
  }

  /** Ends an open transaction, if there still is a connection to say so on. */
  async rollback(): Promise<void> {
    if (this.inTransaction) await this.query('rollback')
  }

  /** Leaves the old connection and makes a new one inside the connect budget; if `writable`, to a server that takes writes. */
  async reconnect({ writable = false } = {}): Promise<void> {
    this.client.connection.stream.destroy()
    this.#connected = await connect({ ...this.options, writable })
  }

  /** Says goodbye, and does not wait for the answer: the process may end meanwhile. */
  close(): void {
    this.options.signal.removeEventListener('abort', this.#onAbort)
    const { client } = this
    const hangUp = setTimeout(() => client.connection.stream.destroy(), goodbye).unref()
    if (client.connection.stream instanceof net.Socket) client.connection.stream.unref()
    void client
      .end()
      .catch(() => {})
      .then(() => clearTimeout(hangUp))
  }

  /**
   * Stops what the server is doing: a cancel request, since a server that works does not look at its socket. Should it
   * not answer, the connection is cut; the server then rolls back when it notices.
   */
  async #interrupt(): Promise<void> {
    const { client } = this
    setTimeout(() => client.connection.stream.destroy(), goodbye).unref()
    const { endpoint, backendKey } = this.#connected
    sendCancel(endpoint, backendKey)
  }
}
