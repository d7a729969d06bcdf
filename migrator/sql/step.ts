// A step of a migration, and the reasons why a text cannot be divided into steps.

import type { Statement } from './parse.ts'
import type { Setting } from './settings.ts'

export interface Range {
  /** UTF-16. */
  readonly start: number
  readonly end: number
}

/** A stretch of a text that is sent in one transaction, without the ranges that are skipped. */
export interface Stretch extends Range {
  readonly skipped: readonly Range[]
}

/** One step of a migration that cannot run in one transaction. */
export interface Step extends Stretch {
  /** `transaction`: commits together with its journal entry. `alone`: must not be in a transaction. */
  readonly mode: 'transaction' | 'alone'
  /** The modes of the file's own BEGIN: `isolation level serializable`. */
  readonly begin: string
  /** The block ends with ROLLBACK. */
  readonly rolledBack: boolean
  /** The number, from 0, of its first statement in the text; and how many statements are done after the step. */
  readonly first: number
  readonly upTo: number
  /** The settings that earlier statements made for it. */
  readonly settings: readonly Setting[]
  /** The file has no BEGIN around it: it may be divided if the server requires it. */
  readonly divisible: boolean
  /** The statement of a step that runs alone, if the grammar takes it. */
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

/** A BEGIN without an end: psql would roll back when it exits. `offset` is UTF-16. */
export class UnendedBlockError extends PlanError {
  constructor(offset: number, afterCommit: boolean) {
    super(
      offset,
      afterCommit
        ? 'this BEGIN has no end. Add COMMIT at the end, or remove BEGIN and the COMMIT before it.'
        : 'this BEGIN has no end. Add COMMIT at the end, or remove BEGIN: a migration has its own transaction.',
    )
  }
}

/** The file has to be divided where it holds something until the end of its transaction. `offset` is UTF-16. */
export class IndivisibleError extends PlanError {
  constructor(offset: number, why: string) {
    super(
      offset,
      `${why}, but this file cannot run in one: a statement further on has to run by itself, or in a later transaction. ` +
        'Move what needs it and that statement into separate migrations; or, if it need not hold that long, mark with BEGIN and COMMIT where transactions begin and end.',
    )
  }
}

/** A ROLLBACK without a BEGIN of the file: psql would ignore it, and the file's own tool would undo everything before it. */
export class StrayRollbackError extends PlanError {
  constructor(offset: number) {
    super(
      offset,
      'this ROLLBACK ends no transaction that the file began. Remove it, or put BEGIN before what it should undo.',
    )
  }
}

/** A statement that begins like one that begins or ends a transaction, and that the grammar does not take. */
export class UnreadableControlError extends PlanError {
  constructor(offset: number, text: string) {
    super(
      offset,
      `\`${text.slice(0, 60)}\` looks like a statement that begins or ends a transaction, and cannot be parsed. Correct it, or move it to a file of its own.`,
    )
  }
}
