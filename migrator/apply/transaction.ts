// A stretch of a file's SQL in one transaction with what the ledger says of it: one message while it is small, else several.

import { codeOf, isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import type { Change } from '../ledger/changes.ts'
import { raisedState } from '../ledger/guards.ts'
import type { LedgerTransaction, Message } from '../ledger/transaction.ts'
import type { Limits } from '../postgres/limits.ts'
import type { Run } from '../run/run.ts'
import { byteLength, dataPieces, type Packet, packets } from '../sql/packets.ts'
import type { Stretch } from '../sql/step.ts'
import type { Plan } from '../sql/steps.ts'
import { type Aftermath, explainFailure, type FailedMessage } from './failure.ts'

type WholePlan = Extract<Plan, { transaction: true }>

/** A migration whose SQL runs in one transaction. */
export interface WholeMigration {
  readonly migration: Migration
  readonly part: SqlPart
  readonly plan: WholePlan
}

/** What is sent before its turn, of a migration's own or behind it. */
export interface Neighbours {
  /** Its own last message, if that is under way. */
  readonly sent?: Message | undefined
  /** Called when its last message is sent. */
  readonly onSent?: ((message: Message) => void) | undefined
}

/** Applies a migration's SQL and records it; both or neither. Errors of the server's SQL are explained. */
export async function applyTransaction(
  run: Run,
  whole: WholeMigration,
  limits: Limits,
  neighbours: Neighbours,
): Promise<void> {
  const { migration, part, plan } = whole
  await sendStretch(run, migration.name, part, plan, { ...commitApplied(run, whole, limits), ...neighbours })
}

/**
 * What applies a migration and records it.
 * @param after the migration that must have committed right before, in the same session.
 */
export function commitApplied(
  run: Run,
  { migration, part, plan }: WholeMigration,
  limits: Limits,
  after?: string,
): Commit {
  const { change } = run.ledger
  const { name, checksum, kind } = migration
  const guard = change.grants.before(part.source.slice(plan.start, plan.end))
  const around = { modes: plan.begin, limits, guard, reset: true, discard: true }
  const content = kind === 'repeatable' ? checksum : undefined
  return {
    transaction: run.ledger.transactionOf({ name, content, after }, around),
    change: change.applied({ name, checksum, kind, breaking: migration.marks.breaking }),
    aftermath: { text: `${name} was rolled back; the database is as it was before it.`, again: 'schemagate up' },
  }
}

/** Reverts a migration and removes its row; both or neither. */
export async function revertTransaction(
  run: Run,
  { migration: { name }, part, plan }: WholeMigration,
  limits: Limits,
): Promise<void> {
  const { change, guards } = run.ledger
  const guard = guards.notBegunReverting(name) + run.ledger.nothingNew
  await sendStretch(run, name, part, plan, {
    transaction: run.ledger.transaction({ modes: plan.begin, limits, guard, reset: true, discard: true }),
    change: change.reverted(name),
    aftermath: {
      text: `Reverting ${name} failed and was rolled back; the database is as it was before.`,
      again: 'schemagate down --yes',
    },
  })
}

/** What a stretch of a file's SQL is committed with. */
export interface Commit extends Neighbours {
  readonly transaction: LedgerTransaction
  readonly change: Change
  /** For the operator, should it fail. */
  readonly aftermath: Aftermath
}

/** Sends a stretch of a file in the transaction, and commits. */
export async function sendStretch(
  run: Run,
  name: string,
  part: SqlPart,
  stretch: Stretch,
  commit: Commit,
): Promise<void> {
  const send = new Sending(run, name, part, commit)
  const all = packets(part.source, stretch)
  let current = all.next()
  while (!current.done) {
    const next = all.next()
    if (current.value.data) await send.copy(current.value, current.value.data)
    else await send.statements(current.value, next.done === true)
    current = next
  }
  await send.end()
}

class Sending {
  readonly #run: Run
  readonly #name: string
  readonly #part: SqlPart
  readonly #commit: Commit
  #begun = false
  #ended = false

  constructor(run: Run, name: string, part: SqlPart, commit: Commit) {
    this.#run = run
    this.#name = name
    this.#part = part
    this.#commit = commit
  }

  async statements(packet: Packet, last: boolean): Promise<void> {
    await this.#send(packet, last)
  }

  async copy(packet: Packet, data: { readonly start: number; readonly end: number }): Promise<void> {
    if (!this.#begun) await this.#send(undefined, false)
    const bytes = () => byteLength(this.#part.source, data)
    this.#run.progress.sent = { text: packet.text, bytes }
    try {
      await this.#run.session.copyFrom(packet.text, dataPieces(this.#part.source, data))
    } catch (error) {
      if (!this.#run.signal.aborted && !isConnectionLoss(error)) await this.#run.session.rollback()
      const { text, start } = packet
      await this.#fail({ error, text, sqlStart: 0, sqlLength: text.length, fileOffset: start, completed: 0, data })
    }
  }

  async end(): Promise<void> {
    if (!this.#ended) await this.#send(undefined, true)
  }

  async #send(packet: Packet | undefined, last: boolean): Promise<void> {
    const { transaction, change, sent, onSent } = this.#commit
    const sql = packet?.text ?? ''
    const message: Message = last ? (sent ?? transaction.commit([change], sql)) : transaction.send(sql)
    if (last) onSent?.(message)
    this.#begun = true
    this.#ended = last
    this.#run.progress.sent = { text: sql }
    try {
      await message.done
    } catch (error) {
      const { text, sqlStart, completed } = message
      const fileOffset = packet?.start ?? this.#part.end
      await this.#fail({ error, text, sqlStart, sqlLength: sql.length, fileOffset, completed })
    }
  }

  async #fail(failed: FailedMessage): Promise<never> {
    const { error } = failed
    if (this.#run.signal.aborted || isConnectionLoss(error) || raisedState(error)) throw error
    throw await explainFailure(this.#name, this.#part, failed, this.#commit.aftermath)
  }
}

/** The SQLSTATE of what the server said, also where it is explained already. */
export function causeCode(error: unknown): string | undefined {
  return codeOf(causeOf(error))
}

/** What the server said, also where it is explained already. */
export function causeOf(error: unknown): unknown {
  return error instanceof MigrationFailedError && error.cause ? error.cause : error
}
