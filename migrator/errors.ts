// The failures that are foreseen: one class for each exit code. What to do about each: docs/operating.md.

import type { Place } from './sql/excerpt.ts'

/** The exit codes, by name. */
export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  noAnswer: 3,
  lockHeld: 4,
  failed: 5,
  diverged: 6,
  notReady: 7,
  refused: 8,
  denied: 9,
  tableLock: 10,
  sigint: 130,
  sigterm: 143,
} as const

/** One of them. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** A foreseen failure. Its message says what, where, and ends with the way out. */
export abstract class SchemagateError extends Error {
  abstract readonly exitCode: ExitCode
  override get name() {
    return this.constructor.name
  }
}

/** The command line, a setting or a migration file's form is wrong: exit 2. */
export class UsageError extends SchemagateError {
  readonly exitCode = exitCodes.usage
  /** Where in a migration's file, if it is one that is wrong. */
  readonly place: Place | undefined
  constructor(message: string, options: { cause?: unknown; place?: Place | undefined } = {}) {
    super(message, { cause: options.cause })
    this.place = options.place
  }
}

/** Postgres did not answer in time: exit 3. */
export class NoAnswerError extends SchemagateError {
  readonly exitCode = exitCodes.noAnswer
}

/** Another migrator held the run lock for too long: exit 4. */
export class LockHeldError extends SchemagateError {
  readonly exitCode = exitCodes.lockHeld
}

/** A migration failed and was rolled back: exit 5. */
export class MigrationFailedError extends SchemagateError {
  readonly exitCode = exitCodes.failed
  readonly migration: string
  /** Where in the file; `excerpt` shows the SQL with a caret. */
  readonly place: Place | undefined
  /** Where in the file the statement begins that failed, in UTF-16 units. */
  readonly statement: number | undefined
  constructor(
    migration: string,
    message: string,
    options: { cause?: unknown; place?: Place | undefined; statement?: number | undefined } = {},
  ) {
    super(message, { cause: options.cause })
    this.migration = migration
    this.place = options.place
    this.statement = options.statement
  }
}

/** Ledger and files disagree: exit 6. */
export class DivergedError extends SchemagateError {
  readonly exitCode = exitCodes.diverged
}

/** The schema is not what was asked for: exit 7. */
export class NotReadyError extends SchemagateError {
  readonly exitCode = exitCodes.notReady
}

/** Refused for safety: exit 8. */
export class RefusedError extends SchemagateError {
  readonly exitCode = exitCodes.refused
}

/** Postgres answered and said no: exit 9. */
export class DeniedError extends SchemagateError {
  readonly exitCode = exitCodes.denied
}

/** A migration could not get its table lock after all retries: exit 10. */
export class TableLockError extends SchemagateError {
  readonly exitCode = exitCodes.tableLock
}

/**
 * A code migration ended the process, or caused an error that nothing caught: exit 5. It runs in this process and can do
 * both; neither must pass for success.
 */
export class ProcessEndedError extends SchemagateError {
  readonly exitCode = exitCodes.failed
}

/** A signal stopped the run: exit 130 or 143. */
export class InterruptedError extends SchemagateError {
  readonly exitCode: 130 | 143
  /** @param commits whether what was interrupted changes the database. */
  constructor(signal: 'SIGINT' | 'SIGTERM', commits: boolean) {
    super(
      `Interrupted by ${signal}${commits ? '; what was not committed was rolled back' : ''}. Run it again to finish.`,
    )
    this.exitCode = signal === 'SIGINT' ? exitCodes.sigint : exitCodes.sigterm
  }
}
