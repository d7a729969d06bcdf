// Laravel: `2024_01_01_000000_name.php`, in the project's own packages as well, and those that a dump of the schema stands
// for (`schema:dump --prune`).

import { join } from 'node:path'
import { withoutEnding } from '../../../gate/histories/names.ts'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import { isThere } from '../../files/cannot-read.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { folderOf, type NamedFiles, readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'
import { baseOf, filesIn, isOwnFolder } from './tree.ts'

const usual = 'database/migrations'

const migrations: NamedFiles = {
  usual,
  // https://github.com/laravel/framework, Migrator::getMigrationFiles: `*_*.php` of the folder itself
  read: file =>
    /_.*\.php$/s.test(file) && !file.startsWith('.')
      ? { key: withoutEnding(file), name: withoutEnding(file) }
      : undefined,
}

export const laravel: FollowedReader = async (dir, options) => {
  const files = [...readNamed(dir, migrations, options), ...packagesIn(dir, options)]
  const known = new Set(files.map(({ key }) => key))
  const dumped = dumpedNames(join(folderOf(dir, migrations, options), '../schema')).filter(name => !known.has(name))
  return [...dumped.map(name => ({ key: name, name })), ...files].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * What is elsewhere in the project: its packages and modules have migrations of their own, which a provider adds
 * (`loadMigrationsFrom`). One that is left out by mistake opens the gate, and one that is read by mistake can be ignored.
 */
function packagesIn(dir: string, { ignore }: FolderOptions): readonly FollowedMigration[] {
  if (!isThere(join(dir, usual))) return []
  const isLibraries = (name: string, path: string) => name === 'vendor' && isThere(join(path, 'autoload.php'))
  const enters = (name: string, path: string) =>
    isOwnFolder(name, path) &&
    !isLibraries(name, path) &&
    !/^(?:tests?|stubs?)$/i.test(name) &&
    path !== join(dir, usual)
  return filesIn(dir, { ignore, enters })
    .map(baseOf)
    .filter(file => /^\d{4}_\d\d_\d\d_\d{6}_.*\.php$/.test(file))
    .map(file => ({ key: withoutEnding(file), name: withoutEnding(file) }))
}

/** The rows of the history that a dump for Postgres brings along. */
function dumpedNames(folder: string): readonly string[] {
  const file = ['pgsql-schema.sql', 'pgsql-schema.dump'].map(name => join(folder, name)).find(isThere)
  if (file === undefined) return []
  const names: string[] = []
  let column: number | undefined
  for (const line of readUtf8(file).split(/\r?\n/)) {
    const columns = /^COPY (?:[\w"]+\.)?"?\w*migrations"? \(([^)]*)\) FROM stdin;$/i.exec(line)?.[1]
    if (columns !== undefined) {
      const at = columns.split(',').findIndex(name => name.trim().replaceAll('"', '') === 'migration')
      if (at !== -1) column = at
    } else if (line === '\\.') column = undefined
    else if (column !== undefined) names.push(withoutEnding(line.split('\t')[column] ?? ''))
    else {
      const values = /^INSERT INTO (?:[\w"]+\.)?"?\w*migrations"? .*?VALUES \(\d+, '([^']+)', \d+\);$/i.exec(line)?.[1]
      if (values !== undefined) names.push(withoutEnding(values))
    }
  }
  if (names.length === 0)
    throw new UsageError(
      `${file} has no rows of the migrations that it stands for. Dump it again with Laravel (schema:dump), which adds them.`,
    )
  return names
}
