// Sends the next migration of a run while the server is still at work on the one before it: it need not wait until that
// one's answer has come to us.
//
// Each is a transaction of its own all the same, and begins with a look whether that of the one before it has committed
// (ledger/procedures.ts). Where it has not, nothing of the next is run, and it is sent again when its turn has come.

import type { Migration } from '../files/migration.ts'
import type { Message } from '../ledger/transaction.ts'
import type { Limits } from '../postgres/limits.ts'
import { limitsOf, type Run } from '../run/run.ts'
import { packets } from '../sql/packets.ts'
import type { Migrating } from './migrating.ts'
import { planPart } from './planning.ts'
import { commitApplied, type WholeMigration } from './transaction.ts'

/** In characters. What is sent ahead has to find room between us and the server. */
const longest = 1 << 16

/** What a run has sent ahead: one migration at most. Why that is safe: docs/decisions/sent-ahead.md. */
export class SentAhead {
  readonly #run: Run
  readonly #following: ReadonlyMap<Migration, Migration>
  /** Those which nothing but their own SQL stands in front of. */
  readonly #isPlain: (migration: Migration) => boolean
  #sent: { readonly migration: Migration; readonly message: Message } | undefined

  constructor({ run, history, chosen }: Migrating) {
    const known = new Set(history.rows.map(({ name }) => name))
    this.#run = run
    this.#following = new Map(chosen.flatMap((migration, i) => (chosen[i + 1] ? [[migration, chosen[i + 1]!]] : [])))
    this.#isPlain = ({ name }) => !known.has(name) && !history.recordOnly.has(name)
  }

  /** The last commit waits for the disk, and so does one before anything that is not plain SQL. */
  limits(migration: Migration): Limits {
    return limitsOf(this.#run, migration.marks, this.#following.get(migration)?.kind === 'sql')
  }

  /** The message of this migration, if it is under way. From here on it is the caller's. */
  take(migration: Migration): Message | undefined {
    const sent = this.#sent
    this.#sent = undefined
    return sent?.migration === migration ? sent.message : undefined
  }

  /** What was sent behind a migration that failed is refused by the server. */
  drop(): void {
    this.#sent = undefined
  }

  /** What sends the next migration behind the message of this one; undefined if that has to wait. */
  async behind(migration: Migration): Promise<((message: Message) => void) | undefined> {
    const next = this.#following.get(migration)
    if (!this.#run.ledger.canSendAhead) return undefined
    if (!next || !this.limits(migration).asynchronous || !this.#isPlain(next)) return undefined
    const [first, second] = [await small(migration), await small(next)]
    if (!first || !second) return undefined
    return previous => this.#send(second, previous, migration.name)
  }

  #send(next: WholeMigration, previous: Message, after: string): void {
    // while the next one was read this one has failed: behind its rollback a transaction would be begun, and left open
    if (previous.hasFailed) return
    const { migration, part, plan } = next
    const { transaction, change } = commitApplied(this.#run, next, this.limits(migration), after)
    const [packet] = packets(part.source, plan)
    const message = transaction.commit([change], packet?.text, previous)
    message.done.catch(() => {})
    this.#sent = { migration, message }
  }
}

/** A migration that is one message, in which nothing is awaited but its end. */
async function small(migration: Migration): Promise<WholeMigration | undefined> {
  const { up: part, kind, marks } = migration
  if (kind !== 'sql' || !part || marks.breaking || part.end - part.start > longest) return undefined
  // a COPY that waits for data would take what is sent behind it for that
  if (/stdin/i.test(part.source)) return undefined
  const plan = await planPart(part)
  return plan.transaction ? { migration, part, plan } : undefined
}
