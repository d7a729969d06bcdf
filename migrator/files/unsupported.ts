// Files that mean something to another tool which is not to be had here: each is refused, with the way out.

import { UsageError } from '../errors.ts'
import type { Migration } from './migration.ts'
import { tools } from './tools/index.ts'

const names: readonly { pattern: RegExp; what: string }[] = [
  {
    pattern: /^(before|after)[A-Z]\w*(__.*)?\.sql$/s,
    what: "is a callback of Flyway's, and nothing calls it here. What is to be done again after a change belongs into an R__ file. Move it out of the migrations folder.",
  },
]

/** Why a file of this name, which is no migration here, is not just left out; undefined: it is. */
export function foreignName(fileName: string): string | undefined {
  return names.find(({ pattern }) => pattern.test(fileName))?.what
}

// the last word is what Ory writes for no transaction
const otherDatabase = /\.(mysql|mariadb|sqlite3?|cockroach(?:db)?|mssql|sqlserver|oracle)(?:\.autocommit)?$/i
const forPostgres = /\.postgres(?:ql)?(?=(?:\.autocommit)?$)/i

const contents = tools.flatMap(tool => tool.contents ?? [])

/** @throws UsageError on a file of either direction that is for another database, as its name says. */
export function refuseOtherDatabase(name: string, file: string): void {
  const database = otherDatabase.exec(name)?.[1]
  if (database)
    throw new UsageError(
      `${file} is for another database (${database}), as its name says. Leave only what is for Postgres in the migrations folder.`,
    )
}

/** @throws UsageError on a migration whose text is for another tool. */
export function refuseForeign(file: string, source: string): void {
  const content = contents.find(({ pattern }) => pattern.test(source))
  if (content) throw new UsageError(`${file} ${content.what}`)
}

const wayBack = /^(.+)([._-])(?:down|undo|rollback|revert)$/is

/**
 * Looks for files that undo another one beside them, as other tools name them: `1-users-up` and `1-users-down`
 * (db-migrate), `1.do.users` and `1.undo.users` (postgrator), `1.users` and `1.users.rollback` (yoyo).
 * @throws UsageError since each would be run right after what it undoes.
 */
export function refuseWaysBack(migrations: ReadonlyMap<string, Migration>): void {
  for (const { name, file, layout } of migrations.values()) {
    if (layout !== 'native') continue
    const [, stem = '', separator] = wayBack.exec(name) ?? []
    const up = [stem, `${stem}${separator}up`, `${stem}${separator}do`].find(other => migrations.has(other))
    if (up === undefined) continue
    throw new UsageError(
      `${file} looks like the way back of ${up}, but by its name it is a migration of its own, which would be run right after that. ` +
        'Name such two files 0001_users.up.sql and 0001_users.down.sql.',
    )
  }
}

/**
 * Looks for a migration that stands beside a general form of itself: `1_a.postgres` and `1_a` (Ory, Pop).
 * @throws UsageError since both would be run, where their own tool takes the first in place of the second.
 */
export function refuseGeneralForms(migrations: ReadonlyMap<string, Migration>): void {
  for (const { name, file } of migrations.values()) {
    const general = forPostgres.test(name) ? migrations.get(name.replace(forPostgres, '')) : undefined
    if (general)
      throw new UsageError(
        `${file} is ${general.name} as it is for Postgres, and ${general.file} is there for other databases; both would be run. ` +
          'Leave only what is for Postgres in the migrations folder.',
      )
  }
}
