// A step of a migration, and why a text cannot be divided into any.

import type { Statement } from './parse.ts'
import type { Setting } from './settings.ts'

export interface Range {
  /** UTF-16. */
  readonly start: number
  readonly end: number
}

/** A stretch of a text that is sent in one transaction, but for what is passed over in it. */
export interface Stretch extends Range {
  readonly skipped: readonly Range[]
}

/** One step of a migration that cannot run in one transaction. */
export interface Step extends Stretch {
  /** `transaction`: commits together with its journal entry. `alone`: must not be in a transaction. */
  readonly mode: 'transaction' | 'alone'
  /** What a file's own BEGIN said besides: `isolation level serializable`. */
  readonly begin: string
  /** The block ends with ROLLBACK: it is run, and leaves nothing behind. */
  readonly rolledBack: boolean
  /** The how-many-th statement of the text its first one is, and how many of the text are done when it is. */
  readonly first: number
  readonly upTo: number
  /** What earlier statements have set, and holds for it. */
  readonly settings: readonly Setting[]
  /** No BEGIN of the file's own holds it together: where the server wants it, it may be divided. */
  readonly divisible: boolean
  /** Of a step that runs alone, if it is this grammar's. */
  readonly statement?: Statement | undefined
}

/** A text that cannot be run as it is. `offset` is UTF-16. */
export class PlanError extends Error {
  readonly offset: number
  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

/** A BEGIN that is never ended: psql would roll it back at its exit. `offset` is UTF-16. */
export class UnendedBlockError extends PlanError {
  constructor(offset: number, afterCommit: boolean) {
    super(
      offset,
      afterCommit
        ? 'this BEGIN is never ended. Add COMMIT at the end, or remove BEGIN and the COMMIT before it.'
        : 'this BEGIN is never ended. Add COMMIT at the end, or remove BEGIN: a migration has its own transaction.',
    )
  }
}

/** What the file holds in its transaction would be lost where it must be divided. `offset` is UTF-16. */
export class IndivisibleError extends PlanError {
  constructor(offset: number, why: string) {
    super(
      offset,
      `${why}, but this file cannot run in one: a statement further on has to run by itself, or in a later transaction. ` +
        'Move what needs it and that statement into migrations of their own; or, if it need not hold so long, say where transactions begin and end with BEGIN and COMMIT.',
    )
  }
}

/** A ROLLBACK of what no BEGIN of the file's own precedes: psql would pass over it, and a tool undo all before it. */
export class StrayRollbackError extends PlanError {
  constructor(offset: number) {
    super(
      offset,
      'this ROLLBACK ends no transaction that the file began. Remove it, or put BEGIN before what it is to undo.',
    )
  }
}

/** A statement that cannot be read although it begins like one that ends or begins a transaction. */
export class UnreadableControlError extends PlanError {
  constructor(offset: number, text: string) {
    super(
      offset,
      `\`${text.slice(0, 60)}\` begins like a statement that begins or ends a transaction, and cannot be read. Correct it, or move it to a file of its own.`,
    )
  }
}
