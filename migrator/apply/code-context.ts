// What a migration written in TypeScript or JavaScript is handed.

import type pg from 'pg'

/** The argument of a code migration's `up` and `down`. */
export interface MigrationContext {
  /** The migration's name. */
  readonly name: string
  /**
   * Runs SQL on the connection that works: inside the migration's transaction, or, with the mark
   * `// migrate:up transaction:false`, each call by itself. Await every call.
   */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>
  /**
   * Goes over a table's rows in the order of a key, so many at a time. Each batch is a transaction, and how far it is
   * commits with it: after an interruption the next call goes on behind the last batch. Needs the mark
   * `// migrate:up transaction:false`. Await it.
   * @param work what is done with a batch, in its transaction; in place of `set`. It may be called again for a batch that was
   *   rolled back.
   * @returns how many rows it has gone over, those of interrupted runs included.
   */
  batch(options: BatchOptions, work?: (batch: Batch) => unknown): Promise<{ readonly rows: number }>
  readonly log: { info(fields: object, message: string): void }
  /** Aborted when the run is to stop: end loops then. */
  readonly signal: AbortSignal
}

/** Which rows `context.batch` goes over, and how fast. */
export interface BatchOptions {
  /** As SQL names it: `users`, `app.users`, `"Users"`. */
  readonly table: string
  /** The column, or columns, by which rows are taken in order. They are not null, and a unique index is on just them. */
  readonly key: string | readonly string[]
  /** Only rows that meet this SQL condition. */
  readonly where?: string | undefined
  /** What becomes of each row, as SQL has it in an UPDATE behind SET: `name = full_name`. */
  readonly set?: string | undefined
  /** Rows in a batch; 1,000 if not given. */
  readonly size?: number | undefined
  /** Between two batches: milliseconds, or `100ms`, `1s`. */
  readonly pause?: number | string | undefined
  /** No batch begins while a standby is further behind than this: milliseconds, or `500ms`, `10s`. */
  readonly maxLag?: number | string | undefined
  /** The name under which the ledger keeps how far it is; `table` if not given. For a second pass over the same table. */
  readonly name?: string | undefined
}

/** One batch, as the function that does its work is handed it. */
export interface Batch {
  /** Runs SQL in the batch's transaction. Await every call. */
  readonly query: MigrationContext['query']
  /** The key of the first row, as text: one value for each column of the key. */
  readonly from: readonly string[]
  /** The key of the last row. `where id between $1 and $2` with `[...from, ...to]` are the batch's rows. */
  readonly to: readonly string[]
  /** How many rows there were when the batch was chosen. */
  readonly rows: number
}

/** What a code migration exports. */
export interface MigrationModule {
  up(context: MigrationContext): unknown
  down?(context: MigrationContext): unknown
}
