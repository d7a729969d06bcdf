// What a run came to: data, from which text and JSON are rendered.

import { randomUUID } from 'node:crypto'
import { ProtocolError } from '../../gate/postgres/protocol-error.ts'
import { codeOf, isConnectionLoss, ownState, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { migratorName } from '../../gate/protocol/announcement.ts'
import { wayOutOf } from '../apply/ways-out.ts'
import { now } from '../clock.ts'
import { DeniedError, type ExitCode, exitCodes, NoAnswerError, ProcessEndedError, SchemagateError } from '../errors.ts'
import type { Migration, MigrationKind } from '../files/migration.ts'
import { lackingPart } from '../own-parts.ts'
import { fieldLines } from '../postgres/error-fields.ts'
import { failedStatement, raisingFunction } from '../postgres/failed-statement.ts'

/** What a run came to. `nothing-to-do`: all was applied already, and nothing was changed. */
export type Outcome = 'applied' | 'reverted' | 'nothing-to-do' | 'failed' | 'interrupted'

/** How a run treated one migration. `skipped`: another migrator has applied or reverted it, or it was only recorded. */
export type MigrationStatus = 'applied' | 'reverted' | 'skipped' | 'failed' | 'not-reached'

/** What a run did with one migration. */
export interface MigrationResult {
  readonly name: string
  readonly kind: MigrationKind
  readonly status: MigrationStatus
  readonly durationMs: number
}

/** The result of `up` and of `down`. */
export interface RunResult {
  /** The run's in the table `runs` and in the log. */
  readonly runId: string
  readonly outcome: Outcome
  /** What the command line ends with. */
  readonly exitCode: ExitCode
  /** One for each migration that was to be run, also for those not reached. */
  readonly migrations: readonly MigrationResult[]
  /** The newest migration that the database has, as far as this run knows. */
  readonly head: string | null
  /** From its begin to its end, waiting included. */
  readonly durationMs: number
  /** When each migration that was reached had ended, in milliseconds since 1970. */
  readonly endedAt: Readonly<Record<string, number>>
  /** Why the run has not done all of it. */
  readonly error?: SchemagateError
}

/** What became of each migration of a run, collected while it runs. */
export class Results {
  readonly #byName = new Map<string, MigrationResult>()
  readonly endedAt: Record<string, number> = {}
  /** The newest migration that the database was last seen to have. */
  head: string | null = null
  #runId: string | undefined

  /** The run's id, made when it is first asked for: what makes it is loaded while the server is waited for. */
  get runId(): string {
    this.#runId ??= randomUUID()
    return this.#runId
  }

  /** Sets what is to be run; all of it is not reached yet. */
  expect(migrations: readonly Migration[]): void {
    for (const { name, kind } of migrations)
      if (!this.#byName.has(name)) this.#byName.set(name, { name, kind, status: 'not-reached', durationMs: 0 })
  }

  set({ name, kind }: Migration, status: MigrationStatus, durationMs: number): void {
    this.#byName.set(name, { name, kind, status, durationMs })
    this.endedAt[name] = Date.now()
  }

  has({ name }: Migration, status: MigrationStatus): boolean {
    return this.#byName.get(name)?.status === status
  }

  get all(): MigrationResult[] {
    return [...this.#byName.values()]
  }

  get newestApplied(): string | undefined {
    return this.all.findLast(result => result.status === 'applied' && result.kind !== 'repeatable')?.name
  }

  count(status: MigrationStatus): number {
    return this.all.filter(result => result.status === status).length
  }
}

/** Does a run's work and makes a result of what it came to. Foreseen failures are part of the result; only a bug throws. */
export async function conclude(
  { signal, results = new Results() }: { readonly signal: AbortSignal; readonly results?: Results | undefined },
  work: (results: Results) => Promise<void>,
): Promise<RunResult> {
  const started = now()
  let error: SchemagateError | undefined
  try {
    await work(results)
  } catch (thrown) {
    error = asSchemagateError(thrown, signal)
    if (!error) throw thrown
  }
  return {
    runId: results.runId,
    outcome: outcomeOf(results, error, signal),
    exitCode: error?.exitCode ?? exitCodes.done,
    migrations: results.all,
    // what was applied before the failure is more than what was seen at the start
    head: (error && results.newestApplied) ?? results.head,
    durationMs: Math.round(now() - started),
    endedAt: results.endedAt,
    ...(error && { error }),
  }
}

/** What a run came to. */
export function outcomeOf(
  results: Results | undefined,
  error: SchemagateError | undefined,
  signal: AbortSignal,
): Outcome {
  // a code migration that ended the process has failed: the run was not interrupted
  if (error) return signal.aborted && !(error instanceof ProcessEndedError) ? 'interrupted' : 'failed'
  if (results && results.count('applied') > 0) return 'applied'
  return results && results.count('reverted') > 0 ? 'reverted' : 'nothing-to-do'
}

/** A statement of the run's own that was cancelled; a lock or a clash; no room or no memory; a failing disk. */
const passing = /^(57014|55P03|40P01|40001|53...|58...)$/

/** Any error as one of ours: what Postgres says outside of a migration concerns schemagate's own statements. */
export function asSchemagateError(error: unknown, signal: AbortSignal): SchemagateError | undefined {
  if (signal.aborted && signal.reason instanceof SchemagateError) return signal.reason
  if (error instanceof SchemagateError) return error
  if (!(error instanceof Error)) return undefined
  const lacking = lackingPart(error)
  if (lacking) return lacking
  const code = codeOf(error)
  if (error instanceof ProtocolError)
    return new DeniedError(
      `The connection to Postgres has failed: ${error.message}. Find out what is in between (a proxy, a pooler), and run it again.`,
      { cause: error },
    )
  if (isConnectionLoss(error))
    return new NoAnswerError(`The connection to Postgres was lost: ${error.message}. Run it again.`, { cause: error })
  if (code === sqlstate.readOnly)
    return new DeniedError(
      `The database is read-only (25006): ${error.message}. Connect to the primary (name all hosts in the URL); where it is one, find out what set default_transaction_read_only (pg_settings has its source).`,
      { cause: error },
    )
  if (code !== undefined && passing.test(code))
    return new NoAnswerError(
      code === sqlstate.lockNotAvailable
        ? `Another session has locked what schemagate asks for (${code}): ${error.message}. End that session (pg_locks has it; a lock without a pid is a prepared transaction's, in pg_prepared_xacts), and run it again.`
        : `Postgres could not do it for now (${code}): ${error.message}. ${thenAgain(wayOutOf(error))}`,
      { cause: error },
    )
  return 'severity' in error ? refusedByServer(error, code) : undefined
}

function thenAgain(wayOut: string | undefined): string {
  return wayOut ? `${wayOut}; then run it again.` : 'Run it again.'
}

/** Postgres refused a statement of our own: whose doing that is, the error's context tells. */
function refusedByServer(error: Error, code: string | undefined): DeniedError {
  const statement = failedStatement(error)
  const raisedBy = raisingFunction(error)
  const details = [...(statement ? [`  statement: ${statement}`] : []), ...fieldLines(error)]
  // PgBouncer's words for pool_mode=statement
  if (/statement pooling mode/.test(error.message))
    return new DeniedError(
      `The pooler takes no transaction (${code}): ${error.message}. Give the migrator a direct DATABASE_URL.`,
      { cause: error },
    )
  if (code === sqlstate.insufficientPrivilege && raisedBy === undefined)
    return new DeniedError(
      [
        `Postgres denies it (42501): ${error.message}. The migrator's role must own the database or may create schemas in it: grant create on database NAME to ROLE`,
        ...details,
      ].join('\n'),
      { cause: error },
    )
  return new DeniedError(
    [
      `Postgres refused a statement of schemagate's own${code ? ` (${code})` : ''}: ${error.message}`,
      ...details,
      code === ownState.notWritten
        ? 'Do as the hint says, and run it again.'
        : raisedBy
          ? `It comes from ${raisedBy}, a trigger or an event trigger of this database's. Have it let schemagate's own statements pass (its sessions have an application_name that begins with "${migratorName}"), or run as a role that it lets pass; then run it again.`
          : "Something in this database is not as schemagate's own statements need it. Change that, and run it again; if nothing here explains it, please report it.",
    ].join('\n'),
    { cause: error },
  )
}
