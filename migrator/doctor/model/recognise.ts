// How a project migrates, by the files that it has: a tool that its own image brings along, or a folder of SQL.

import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { readFolder } from '../../files/folder.ts'
import type { Migration } from '../../files/migration.ts'
import { tools } from '../../files/tools/index.ts'
import { readSmall } from '../startup/build-context.ts'
import { isBesideMigrations, migrationIn } from '../startup/tools.ts'
import type { Shell } from '../startup/wrappers.ts'

export interface Recognised {
  readonly tool: string
  /** Relative to the project's folder, where it was found. */
  readonly folder: string
  /** What the app's own image runs; undefined for a folder of SQL, which the migrator of this repository reads. */
  readonly command: string | undefined
  /** The tool that such a folder was written for, where its files tell: the app may start it. */
  readonly writtenFor?: string | undefined
  /** What reads the command; undefined for sh. */
  readonly shell?: Shell | undefined
}

/** A tool that needs its project: language, models, settings. */
interface Signature {
  readonly tool: string
  /** Files or folders that all must be there. */
  readonly files: readonly RegExp[]
  readonly command: string
}

const signatures: readonly Signature[] = [
  { tool: 'Django', files: [/^manage\.py$/], command: 'python manage.py migrate --noinput' },
  { tool: 'Alembic', files: [/^alembic\.ini$/], command: 'alembic upgrade head' },
  { tool: 'Prisma', files: [/^prisma$/, /^package\.json$/], command: 'npx prisma migrate deploy' },
  { tool: 'Drizzle', files: [/^drizzle\.config\.\w+$/], command: 'npx drizzle-kit migrate' },
  { tool: 'Knex', files: [/^knexfile\.\w+$/], command: 'npx knex migrate:latest' },
  { tool: 'Sequelize', files: [/^\.sequelizerc$/], command: 'npx sequelize-cli db:migrate' },
  { tool: 'Rails', files: [/^Rakefile$/, /^db$/, /^Gemfile$/], command: 'bundle exec rails db:migrate' },
  { tool: 'Laravel', files: [/^artisan$/], command: 'php artisan migrate --force' },
  {
    tool: 'Doctrine',
    files: [/^symfony\.lock$/, /^migrations$/],
    command: 'php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration',
  },
]

/** Folders that projects are divided into. */
const parts = [
  '.',
  'backend',
  'api',
  'server',
  'app',
  'src',
  'web',
  'apps/api',
  'apps/web',
  'packages/db',
  'services/api',
]
/** Where folders of SQL are. */
const sqlFolders = [
  'migrations',
  'migration',
  'db/migrations',
  'db/migration',
  'database/migrations',
  'sql/migrations',
  'sql',
  'internal/db/migrations',
  'internal/database/migrations',
  'src/main/resources/db/migration',
  'schema',
]

/**
 * Every way that is seen: a tool of the project's own, else a folder of SQL, else a script of `package.json`.
 * @param contexts the folders that images are built from
 */
export function recognise(directory: string, contexts: readonly string[]): Recognised[] {
  const folders = [...new Set([...contexts, ...parts.map(part => join(directory, part))])]
  const own = folders.flatMap(folder => {
    const names = namesIn(folder)
    return signatures
      .filter(({ files }) => files.every(file => names.some(name => file.test(name))))
      .map(({ tool, command }) => ({ tool, command, folder: relative(directory, folder) || '.' }))
  })
  if (own.length > 0) return own
  const sql = folders.flatMap(folder => sqlFolders.map(name => join(folder, name))).filter(isMigrations)
  if (sql.length === 0) return folders.flatMap(folder => scriptsIn(folder, relative(directory, folder) || '.'))
  return [...new Set(sql)].map(folder => sqlFilesIn(folder, relative(directory, folder)))
}

/** None where there is no such folder, or it cannot be read. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Of tools without a file of their own in the folder, as TypeORM: what is called after a migration, and is one. */
function scriptsIn(folder: string, name: string): Recognised[] {
  return Object.entries(scriptsOf(readSmall(join(folder, 'package.json')))).flatMap(([script, text]) => {
    const command = `npm run ${script}`
    const migration = migrationIn(command) && !isBesideMigrations(script) ? migrationIn(String(text)) : undefined
    return migration ? [{ tool: migration.tool, folder: name, command }] : []
  })
}

function scriptsOf(packageJson: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(packageJson ?? '{}').scripts ?? {}
  } catch {
    return {}
  }
}

/** @param name what the folder is called in the overlay */
export function sqlFilesIn(folder: string, name: string): Recognised {
  const owner = migrationsIn(folder).find(({ tool }) => tool !== undefined)?.tool
  const writtenFor = tools.find(tool => tool.name === owner)?.title
  return { tool: 'SQL files', folder: name, command: undefined, writtenFor }
}

/** Whether the migrator of this repository can read it, and run it. */
export function isMigrations(folder: string): boolean {
  const migrations = migrationsIn(folder)
  return migrations.length > 0 && migrations.every(({ kind, doubt }) => kind !== 'code' || doubt === undefined)
}

/** None where it cannot be read. */
function migrationsIn(folder: string): readonly Migration[] {
  try {
    return existsSync(folder) ? readFolder(folder, { onLeftOut: () => {} }) : []
  } catch {
    return []
  }
}
