// A stretch of a file's SQL in one transaction with what stands around it: one message while it is small, else several.

import { codeOf, isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import type { Run } from '../run/run.ts'
import { dataPieces, type Packet, packets } from '../sql/packets.ts'
import type { Stretch } from '../sql/step.ts'
import type { Plan } from '../sql/steps.ts'
import { type Aftermath, explainFailure, type FailedMessage } from './failure.ts'
import { type Limits, leaveNothing, resetSession, resumeAsynchronous, setLimits } from './messages.ts'

/** Applies a migration's SQL and records it; both or neither. Errors of the server's SQL are explained. */
export async function applyTransaction(
  run: Run,
  migration: Migration,
  part: SqlPart,
  plan: Extract<Plan, { transaction: true }>,
  limits: Limits,
): Promise<void> {
  const { messages } = run
  const { name, checksum, kind } = migration
  const { breaking } = migration.marks
  await inTransaction(run, name, part, plan, {
    before: `begin ${plan.begin};${setLimits(limits, true)}${messages.wholeGuard(name, kind === 'repeatable' ? checksum : undefined, part.source.slice(plan.start, plan.end))}`,
    beforeCount: 3,
    after: `${resetSession(run.session)}${resumeAsynchronous(limits)}${messages.recordApplied({ name, checksum, kind, breaking })}${leaveNothing}`,
    aftermath: { text: `${name} was rolled back; the database is as it was before it.`, again: 'schemagate up' },
  })
}

/** Reverts a migration and removes its row; both or neither. */
export async function revertTransaction(
  run: Run,
  { name }: Migration,
  part: SqlPart,
  plan: Extract<Plan, { transaction: true }>,
  limits: Limits,
): Promise<void> {
  const { messages } = run
  await inTransaction(run, name, part, plan, {
    before: `begin ${plan.begin};${setLimits(limits, true)}${messages.wholeRevertGuard(name)}`,
    beforeCount: 4,
    after: `${resetSession(run.session)}${messages.remove(name)}${leaveNothing}`,
    aftermath: {
      text: `Reverting ${name} failed and was rolled back; it is still applied.`,
      again: 'schemagate down --yes',
    },
  })
}

/** What stands around a stretch of a file's SQL; `before` begins the transaction. */
export interface Around {
  readonly before: string
  /** How many statements `before` has. */
  readonly beforeCount: number
  readonly after: string
  /** For the operator, should it fail. */
  readonly aftermath: Aftermath
}

/** Sends a stretch of a file with what stands around it, and commits. */
export async function inTransaction(
  run: Run,
  name: string,
  part: SqlPart,
  stretch: Stretch,
  around: Around,
): Promise<void> {
  const send = new Sending(run, name, part, around)
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
  readonly #around: Around
  #begun = false
  #ended = false

  constructor(run: Run, name: string, part: SqlPart, around: Around) {
    this.#run = run
    this.#name = name
    this.#part = part
    this.#around = around
  }

  async statements(packet: Packet, last: boolean): Promise<void> {
    await this.#send(packet, last)
  }

  async copy(packet: Packet, data: { readonly start: number; readonly end: number }): Promise<void> {
    if (!this.#begun) await this.#send(undefined, false)
    try {
      await this.#run.session.copyFrom(packet.text, dataPieces(this.#part.source, data))
    } catch (error) {
      const { text, start } = packet
      await this.#fail({ error, text, sqlStart: 0, sqlLength: text.length, fileOffset: start, completed: 0, data })
    }
  }

  async end(): Promise<void> {
    if (!this.#ended) await this.#send(undefined, true)
  }

  async #send(packet: Packet | undefined, last: boolean): Promise<void> {
    const { before, beforeCount, after } = this.#around
    const lead = this.#begun ? '' : `${before}\n`
    const sql = packet?.text ?? ''
    // the newline ends a comment, the semicolon a statement, that the file leaves open
    const text = `${lead}${sql}${packet ? '\n;' : ''}${last ? `${after}commit` : ''}`
    const script = this.#run.session.script(text)
    try {
      await script.done
    } catch (error) {
      await this.#fail({
        error,
        text,
        sqlStart: lead.length,
        sqlLength: sql.length,
        fileOffset: packet?.start ?? this.#part.end,
        completed: script.tags.length - (this.#begun ? 0 : beforeCount),
      })
    }
    this.#begun = true
    this.#ended = last
    // never true as long as the lexer, the grammar and the server agree on what ends a transaction
    if (last ? script.tags.at(-1) !== 'COMMIT' : !this.#run.session.inTransaction)
      throw new Error(`${this.#name}: the transaction ended with ${script.tags.at(-1)}`)
  }

  async #fail(failed: FailedMessage): Promise<never> {
    const { session, signal } = this.#run
    if (signal.aborted || isConnectionLoss(failed.error)) throw failed.error
    await session.rollback()
    if (codeOf(failed.error)?.startsWith('SG')) throw failed.error
    throw await explainFailure(this.#name, this.#part, failed, this.#around.aftermath)
  }
}

/** The code of what the server said, also where it is explained already. */
export function causeCode(error: unknown): string | undefined {
  return codeOf(error instanceof MigrationFailedError && error.cause ? error.cause : error)
}
