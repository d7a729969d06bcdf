// What the tests of errors share: a run of some files, how it fails, and what it leaves.

import { expect } from 'vitest'
import { createMigrator, MigrationFailedError, type RunResult } from '../../../migrator/index.ts'
import type { ScratchDatabase } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

/** Applies some files. */
export async function up(
  database: ScratchDatabase,
  files: Readonly<Record<string, string>>,
  layout?: string,
): Promise<RunResult> {
  return createMigrator({ databaseUrl: database.url, dir: await folder(files), layout, onForeignTables: 'run' }).up()
}

/** The failure of a run that must fail with exit code 5. */
export async function failure(database: ScratchDatabase, files: Readonly<Record<string, string>>) {
  const { error, exitCode } = await up(database, files)
  expect(exitCode, error?.message).toBe(5)
  if (!(error instanceof MigrationFailedError)) throw new Error(`not a MigrationFailedError: ${error}`)
  return error
}

/** The tables in `public`. */
export async function tables(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ relname: string }>(
    `select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
  )
  return rows.map(row => row.relname)
}
