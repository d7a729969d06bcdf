// The migrations of a tool that is followed, read from its files.

import { historyToolNamed } from '../../../gate/histories/index.ts'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { alembic } from './alembic.ts'
import { django } from './django.ts'
import type { FollowedReader } from './reader.ts'
import { sqlFolder } from './sql-folder.ts'

const sqlTools = [
  ...['flyway', 'prisma', 'golang-migrate', 'goose', 'sqlx', 'diesel', 'atlas', 'drizzle', 'graphile-migrate'],
  ...['node-pg-migrate', 'dbmate', 'postgres-migrations', 'sql-migrate', 'tern', 'postgrator', 'play', 'supabase'],
]

/** By the tool's name. */
const readers: Readonly<Record<string, FollowedReader>> = {
  ...Object.fromEntries(sqlTools.map(tool => [tool, sqlFolder(tool)])),
  alembic,
  django,
}

/**
 * The migrations in a folder of that tool's, in its order.
 * @throws UsageError if there are none, the folder is not the tool's, or its files do not tell without being run.
 */
export async function readFollowed(
  tool: string,
  dir: string,
  options: FolderOptions = {},
): Promise<readonly FollowedMigration[]> {
  const reader = readers[tool]
  if (!reader)
    throw new UsageError(
      `--follow ${tool}: a manifest cannot be made from the files of ${historyToolNamed(tool)?.title ?? tool}. Tools whose files are read: ${Object.keys(readers).join(', ')}.`,
    )
  const migrations = await reader(dir, options)
  if (migrations.length === 0)
    throw new UsageError(`${dir} has no migration of ${historyToolNamed(tool)?.title ?? tool}. --dir names the folder.`)
  return migrations
}
