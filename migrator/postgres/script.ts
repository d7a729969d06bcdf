// Many statements sent as one message, with what pg's own query does not tell: how far the server came.

import { noteSent } from './failed-statement.ts'

/** The wire connection under a client: what a submittable is handed. */
interface Wire {
  query(text: string): void
  sendCopyFail(message: string): void
  on(event: 'readyForQuery' | 'end', listener: () => void): unknown
  off(event: 'readyForQuery' | 'end', listener: () => void): unknown
}

/** Why the server has to be told that no data comes: `COPY ... FROM stdin` is psql's way of feeding it from the file. */
const copyRefusal = 'schemagate sends no data for COPY FROM STDIN'

/**
 * One simple-query message. Rows are dropped as they come; the tags of the completed statements are kept, so that
 * after an error their count names the statement at which the server stopped.
 */
export class Script {
  readonly text: string
  /** The command tags of the statements that were completed: `CREATE TABLE`, `INSERT 0 1`, `COMMIT`. */
  readonly tags: string[] = []
  readonly done: Promise<void>
  #isSent = false
  #hasFailed = false
  readonly #resolve: () => void
  readonly #reject: (error: Error) => void

  constructor(text: string) {
    this.text = text
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** The server has it, or will have it next. */
  get isSent(): boolean {
    return this.#isSent
  }

  /** The server has said so, and a rollback may be on its way. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  submit(wire: Wire): void {
    if (!this.#isSent) this.send(wire)
  }

  /** Sends it now, also while the server is at work on what was sent before. It is to be submitted next. */
  send(wire: Pick<Wire, 'query'>): void {
    this.#isSent = true
    wire.query(this.text)
  }

  handleCommandComplete(message: { text: string }): void {
    this.tags.push(message.text)
  }

  handleEmptyQuery(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCopyData(): void {}
  handlePortalSuspended(): void {}

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFail(copyRefusal)
  }

  /**
   * An error of the server's is passed on only when the server is ready again: before that it is not known whether its
   * transaction is still open. The two messages may come apart.
   */
  handleError(error: Error, wire: Wire): void {
    this.#hasFailed = true
    noteSent(error, this.text, this.tags.length)
    const reject = () => {
      wire.off('readyForQuery', reject)
      wire.off('end', reject)
      this.#reject(error)
    }
    if ('severity' in error) {
      wire.on('readyForQuery', reject)
      wire.on('end', reject)
    } else reject()
  }

  handleReadyForQuery(): void {
    this.#resolve()
  }
}
