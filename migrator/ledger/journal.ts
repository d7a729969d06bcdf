// How far a migration that runs in steps has come, as its row's journal tells it.

import type { Journal, LedgerRow } from './read.ts'

/** Stands in the place of the checksum where what is done are batches of a code migration. */
const batches = 'batches'

export interface Progress {
  /** Steps that are done. */
  readonly steps: number
  /** Statements of the text that are done; unknown of a journal that schemagate 0.1 began. */
  readonly statements: number
  /** What must not have changed since: a checksum of those statements. */
  readonly checksum: string
  /** Begun by 0.1: each entry is a step's own checksum, and there is one for each. */
  readonly firstVersion: boolean
}

/** What of a journal is done. */
export function progressOf(journal: Journal | null | undefined): Progress {
  const done = journal?.done ?? []
  const [checksum = '', statements, steps] = done[0]?.split(':') ?? []
  if (statements !== undefined)
    return { steps: Number(steps), statements: Number(statements), checksum, firstVersion: false }
  const firstVersion = done.length > 0 || (journal?.started !== undefined && journal.started.statements === undefined)
  return { steps: done.length, statements: 0, checksum, firstVersion }
}

/** The one entry of a journal: it grows with no step, however many there are. */
export function doneEntry(checksum: string, statements: number, steps: number): string[] {
  return [`${checksum}:${statements}:${steps}`]
}

/**
 * The same for a code migration of which so many batches are done. A release without batches finds work that was begun, and
 * does not begin it again.
 */
export function doneBatches(count: number): string[] {
  return doneEntry(batches, 0, count)
}

/** Some of it is done, or may be, and not all: by an `up` or a `down` that was interrupted. */
export function isHalfDone({ state, journal }: Pick<LedgerRow, 'state' | 'journal'>): boolean {
  const begun = (one: Pick<Journal, 'done' | 'started'> | undefined | null) =>
    (one?.done?.length ?? 0) > 0 || one?.started !== undefined
  return state === 'running' && (begun(journal) || begun(journal?.interrupted))
}

/** What of a migration is done, in words: `3 of its steps`. */
export function describeDone(journal: Journal | null): string {
  const { steps, checksum } = progressOf(journal)
  return `${steps} of its ${checksum === batches ? 'batches' : 'steps'}`
}
