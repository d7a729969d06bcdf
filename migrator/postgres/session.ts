// The connection that does the work: can be cancelled, lost, and made again.

import net from 'node:net'
import pg from 'pg'
import { sendCancel } from '../../gate/postgres/cancel.ts'
import { codeOf, isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import type { Endpoint } from '../../gate/postgres/target.ts'
import { type Connected, type ConnectOptions, connect, type Greeting } from './connect.ts'
import { noteSent } from './failed-statement.ts'
import { isReady, startHeartbeat } from './heartbeat.ts'
import { Script } from './script.ts'
import type { Setting } from './session-settings.ts'

/** Milliseconds that a server may take to acknowledge a cancelled statement, or the end of a connection. */
const closeTimeout = 1_000

/**
 * A session with a database. `reconnect` makes a new connection under the same object: what holds on to the session
 * (the run, Umzug's context) need not know.
 */
export class Session {
  #options: ConnectOptions
  #connected: Connected
  #heartbeat: { stop(): void } | undefined
  /** What the server said when it ended this connection, where no query was under way to get the error. */
  #lastError: Error | undefined
  #wasLost = false
  readonly #onAbort = () => void this.#interrupt()

  private constructor(options: ConnectOptions, connected: Connected) {
    this.#options = options
    this.#connected = connected
    this.#attend()
    options.signal.addEventListener('abort', this.#onAbort)
  }

  /** Opens a session; errors as {@link connect}. */
  static async open(options: ConnectOptions): Promise<Session> {
    return new Session(options, await connect(options))
  }

  /** How it was made, and is made again. */
  get options(): ConnectOptions {
    return this.#options
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

  /** The settings that the session has made for itself, or behind a pooler must make for each transaction. */
  get settings(): readonly Setting[] {
    return this.greeting.settings
  }

  /** Its server had to start, or to recover from a crash, before it let us in. */
  get wasStarting(): boolean {
    return this.#connected.wasStarting
  }

  /** This is not the first connection: a server that was lost once may be lost again. */
  get wasLost(): boolean {
    return this.#wasLost
  }

  /** Whether the server ends the session when it hears nothing from it for a while. */
  get hasIdleLimit(): boolean {
    return this.#options.idleLimit !== 0
  }

  /** The SQLSTATE with which the server ended this connection, where it was said while no query was under way. */
  get endedWith(): string | undefined {
    return codeOf(this.#lastError)
  }

  async query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>> {
    try {
      return await (values === undefined ? this.client.query<Row>(text) : this.client.query<Row>(text, values))
    } catch (error) {
      noteSent(error, text)
      // of a connection that is lost pg says only that it is; the server may have said why
      throw isConnectionLoss(error) && this.#lastError ? this.#lastError : error
    }
  }

  /** Sends many statements as one message. The script is returned at once; await its `done`. */
  script(text: string): Script {
    const script = new Script(text)
    this.client.query(script)
    return script
  }

  /**
   * The same behind the last script, which is not awaited. It is on the wire at once where that one is (it may wait for the
   * answer to a heartbeat): the server reads it once it is done with that one, however that one ends.
   */
  scriptBehind(previous: Pick<Script, 'isSent'>, text: string): Script {
    const script = new Script(text)
    if (previous.isSent) script.send(this.client.connection)
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

  /**
   * Ends an open transaction; one whose connection is lost has ended with it. A query fails before the server has said
   * what became of the transaction that it may have begun, and the answer to an empty one says it.
   */
  async rollback(): Promise<void> {
    try {
      if (!this.inTransaction) await this.query('')
      if (this.inTransaction) await this.query('rollback')
    } catch (error) {
      if (!isConnectionLoss(error) && error !== this.#lastError) throw error
    }
  }

  /**
   * Leaves the old connection and makes a new one inside the connect budget; if `writable`, to a server that takes writes.
   * `idleLimit` replaces that of the session from now on.
   */
  async reconnect({ writable = false, idleLimit }: { writable?: boolean; idleLimit?: number } = {}): Promise<void> {
    this.#wasLost = true
    this.#heartbeat?.stop()
    this.client.connection.stream.destroy()
    if (idleLimit !== undefined) this.#options = { ...this.#options, idleLimit }
    this.#connected = await connect({ ...this.#options, writable })
    this.#attend()
  }

  /** What a new connection needs for as long as it lasts. */
  #attend(): void {
    const { client } = this
    this.#lastError = undefined
    client.once('error', error => {
      if (client === this.client && error instanceof pg.DatabaseError) this.#lastError = error
    })
    // behind a pooler only a transaction has a server of its own
    const heartbeat = startHeartbeat(client, () => !this.pooled || this.inTransaction)
    client.once('end', heartbeat.stop)
    this.#heartbeat = heartbeat
  }

  /** Cuts the connection to a server that seems to be gone: whatever is awaited on it fails as lost. */
  cut(why: string): void {
    this.client.connection.stream.destroy(new Error(`read ETIMEDOUT: ${why}`))
  }

  /** Closes the connection without waiting for the server's answer: the process may end before it. */
  close(): void {
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#heartbeat?.stop()
    const { client } = this
    const hangUp = setTimeout(() => client.connection.stream.destroy(), closeTimeout).unref()
    if (client.connection.stream instanceof net.Socket) client.connection.stream.unref()
    void client
      .end()
      .catch(() => {})
      .then(() => clearTimeout(hangUp))
  }

  /**
   * Stops what the server is doing: a cancel request, since a server that works does not look at its socket. Should it
   * not answer, the connection is cut; the server then rolls back when it notices. A commit that waits for a synchronous
   * standby never looks, and would keep the run lock: what is under way then is cancelled as well.
   */
  async #interrupt(): Promise<void> {
    const { client } = this
    const { endpoint, backendKey } = this.#connected
    setTimeout(() => {
      if (!isReady(client)) sendCancel(endpoint, backendKey)
      client.connection.stream.destroy()
    }, closeTimeout).unref()
    sendCancel(endpoint, backendKey)
  }
}
