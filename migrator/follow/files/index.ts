// The migrations of a tool that is followed, read from its files.

import { historyToolNamed } from '../../../gate/histories/index.ts'
import { withoutEnding } from '../../../gate/histories/names.ts'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { alembic } from './alembic.ts'
import { dbMigrate } from './db-migrate.ts'
import { django } from './django.ts'
import { ecto } from './ecto.ts'
import { efCore } from './ef-core.ts'
import { knex } from './knex.ts'
import { kysely } from './kysely.ts'
import { laravel } from './laravel.ts'
import { ley } from './ley.ts'
import { lucid } from './lucid.ts'
import { mikroOrm } from './mikro-orm.ts'
import { rails } from './rails.ts'
import type { FollowedReader } from './reader.ts'
import { sequelize } from './sequelize.ts'
import { sqlFolder } from './sql-folder.ts'
import { typeorm } from './typeorm.ts'
import { yoyo } from './yoyo.ts'

const sqlTools = [
  ...['flyway', 'prisma', 'golang-migrate', 'goose', 'sqlx', 'diesel', 'atlas', 'drizzle', 'graphile-migrate'],
  ...['node-pg-migrate', 'dbmate', 'postgres-migrations', 'sql-migrate', 'tern', 'postgrator', 'play', 'supabase'],
  ...['refinery', 'morph'],
]

/** By the tool's name. */
const readers: Readonly<Record<string, FollowedReader>> = {
  ...Object.fromEntries(sqlTools.map(tool => [tool, sqlFolder(tool)])),
  ...{ alembic, django, rails, lucid, knex, sequelize, typeorm, kysely, laravel, ecto },
  ...{ 'mikro-orm': mikroOrm, 'ef-core': efCore, 'db-migrate': dbMigrate, ley, yoyo },
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
  const known = historyToolNamed(tool)
  const title = known?.title ?? tool
  const reader = readers[tool]
  if (!reader)
    throw new UsageError(
      `--follow ${tool}: a manifest cannot be made from the files of ${title}. ${known?.unread ?? ''} Tools whose files are read: ${Object.keys(readers).join(', ')}.`,
    )
  const migrations = eachOnce(await reader(dir, options), dir, title)
  if (migrations.length === 0)
    throw new UsageError(`${dir} has no migration of ${title}. --dir names the folder in which they are.`)
  return migrations
}

/** A module and what was compiled from it beside it are one migration. */
function eachOnce(migrations: readonly FollowedMigration[], dir: string, title: string): readonly FollowedMigration[] {
  const known = new Map<string, FollowedMigration>()
  for (const migration of migrations) {
    const { key, name } = migration
    const other = known.get(key)
    if (other && withoutEnding(other.name) !== withoutEnding(name))
      throw new UsageError(
        `${dir} has ${other.name} and ${name}, which are the same to the history of ${title} (${key}). Give one of them another number.`,
      )
    if (!other) known.set(key, migration)
  }
  return [...known.values()]
}
