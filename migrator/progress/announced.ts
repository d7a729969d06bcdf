// What a run says of the migration under way, for what shows how far it is: run/watch-progress.ts.

/** Work that the server cannot tell the progress of: batches of rows. */
export interface Announcement {
  /** What is being done, in a word or two: `batches`. */
  readonly phase: string
  /** Rows that are done, those of earlier runs included. */
  readonly rows: number
  /** Rows in all, where that is known. */
  readonly of?: number | undefined
}

/** A message with SQL. */
export interface Sent {
  readonly text: string
  /** Counts the bytes that are sent after it, for COPY FROM STDIN. */
  readonly bytes?: (() => number) | undefined
}

/** To announce costs nothing: it is looked at only when something is shown. */
export class Announced {
  /** The last work that was announced. */
  work: Announcement | undefined
  /** The last message that was sent for the migration. */
  sent: Sent | undefined
  /** Of a migration that runs in steps: the one under way, from 1. */
  step: { readonly number: number; readonly of: number } | undefined

  /** Replaces what was announced before. Undefined: such work has ended. */
  announce(work: Announcement | undefined): void {
    this.work = work
  }

  /** The migration has ended. */
  clear(): void {
    this.work = this.sent = this.step = undefined
  }
}
