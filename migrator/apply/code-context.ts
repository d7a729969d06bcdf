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
  readonly log: { info(fields: object, message: string): void }
  /** Aborted when the run is to stop: end loops then. */
  readonly signal: AbortSignal
}

/** What a code migration exports. */
export interface MigrationModule {
  up(context: MigrationContext): unknown
  down?(context: MigrationContext): unknown
}
