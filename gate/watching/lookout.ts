// One of the gates on a database looks out for all of them: it looks often, and tells the others when something has
// changed without a notification. They look seldom.

import { createHash } from 'node:crypto'
import { isFollowed, type Manifest } from '../protocol/manifest.ts'
import { notifySql } from '../protocol/notifications.ts'
import type { Queryable } from '../reading/queryable.ts'
import type { Reading } from '../reading/schema-reader.ts'

/**
 * A thousand gates that each look every second would keep a server busy with nothing. The lookout is whoever holds an
 * advisory lock on its session: when that ends, the next gate that looks takes the lock. Any role can hold it, and keep the
 * gates from having a lookout: then each of them still looks, seldom.
 */
export class Lookout {
  readonly #schema: string
  readonly #tryLock: string
  #isHeld = false
  #isTaken = false
  #last: Pick<Reading, 'version'> | undefined

  /**
   * Gates that differ in any of these have a lookout of their own: it would not see what they look for, or not as soon.
   * @param pollInterval how often it is to look, in milliseconds.
   */
  constructor(schema: string, manifest: Manifest, pollInterval: number) {
    this.#schema = schema
    const table = isFollowed(manifest) ? JSON.stringify(manifest.follow) : 'ledger'
    const key = createHash('sha256').update(`schemagate lookout ${pollInterval} ${table} ${schema}`).digest()
    this.#tryLock = `pg_catalog.pg_try_advisory_lock(${key.readInt32BE(0)}, ${key.readInt32BE(4)})::pg_catalog.text`
  }

  /** Another gate looks out. */
  get isOther(): boolean {
    return this.#isTaken && !this.#isHeld
  }

  /** The SQL expression by which a session tries to take the lock. {@link answered} takes what it gives. */
  get lockExpression(): string {
    return this.#isHeld ? 'null::pg_catalog.text' : this.#tryLock
  }

  /** Takes the answer to {@link lockExpression}; undefined if it was not asked. */
  answered(answer: string | undefined): void {
    if (answer === undefined) return
    this.#isHeld = answer === 'true'
    this.#isTaken = true
  }

  /** Its session has ended, and with it the lock. */
  sessionEnded(): void {
    this.#isHeld = false
    this.#isTaken = false
  }

  /**
   * Takes a reading, and remembers it for the next. True if the other gates are to be told: this one looks out, and the
   * reading differs from the one before.
   * @param notified a notification came since then, which they have looked for as well. They may have done so before another
   *   session began to wait for the ledger, and what they ask once in a while does not show that.
   */
  noteReading({ version }: Pick<Reading, 'version'>, notified: boolean): boolean {
    const last = this.#last
    this.#last = { version }
    const isLocked = version === undefined
    return this.#isHeld && last !== undefined && last.version !== version && (isLocked || !notified)
  }

  /** Tells the other gates to look: of a change that no notification has told of. */
  async tell(session: Queryable): Promise<void> {
    await session.query(notifySql(this.#schema, { event: 'changed' }))
  }
}
