// A migration that can run in a transaction: one message from begin to commit, its ledger row inside.

import type { Migration, SqlPart } from '../files/migration.ts'
import { codeOf, isConnectionLoss } from '../postgres/sqlstate.ts'
import type { Plan } from '../sql/steps.ts'
import { type Aftermath, explainFailure } from './failure.ts'
import { type Limits, leaveNothing, resetSession, resumeAsynchronous, setLimits } from './messages.ts'
import type { Run } from './run.ts'

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
  await inOneMessage(run, name, part, part.start, plan.sql, {
    before: `begin ${plan.begin};${setLimits(limits, true)}${messages.applyGuard(name, kind === 'repeatable' ? checksum : undefined, plan.sql)}${messages.forgetUnbegun(name)}`,
    beforeCount: 4,
    after: `${resetSession(run.session)}${resumeAsynchronous(limits)}${messages.recordApplied({ name, checksum, kind, breaking })}${leaveNothing}`,
    aftermath: { text: `${name} was rolled back; the database is as it was before it.`, again: 'schemagate up' },
  })
}

/** What stands around a piece of a file's SQL in one message; `before` begins the transaction. */
export interface Around {
  readonly before: string
  /** How many statements `before` has. */
  readonly beforeCount: number
  readonly after: string
  /** For the operator, should it fail. */
  readonly aftermath: Aftermath
}

/** Sends SQL of a file with what stands around it as one message, and commits. */
export async function inOneMessage(
  run: Run,
  name: string,
  part: SqlPart,
  fileOffset: number,
  sql: string,
  around: Around,
): Promise<void> {
  const before = `${around.before}\n`
  // the newline ends a comment, the semicolon a statement, that the file leaves open
  const text = `${before}${sql}\n;${around.after}commit`
  const script = run.session.script(text)
  try {
    await script.done
  } catch (error) {
    if (run.signal.aborted || isConnectionLoss(error)) throw error
    await run.session.rollback()
    if (codeOf(error)?.startsWith('SG')) throw error
    throw await explainFailure(
      name,
      part,
      {
        error,
        text,
        sqlStart: before.length,
        sqlLength: sql.length,
        fileOffset,
        completed: script.tags.length - around.beforeCount,
      },
      around.aftermath,
    )
  }
  // never true as long as the grammar and the server agree on what ends a transaction
  if (script.tags.at(-1) !== 'COMMIT') throw new Error(`${name}: the transaction ended with ${script.tags.at(-1)}`)
}
