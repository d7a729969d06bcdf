// Laravel: `2024_01_01_000000_name.php`, and those that a dump of the schema stands for (`schema:dump --prune`).

import { join } from 'node:path'
import { withoutEnding } from '../../../gate/histories/names.ts'
import { UsageError } from '../../errors.ts'
import { isThere } from '../../files/cannot-read.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { folderOf, type NamedFiles, readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

const migrations: NamedFiles = {
  usual: 'database/migrations',
  // https://github.com/laravel/framework, Migrator::getMigrationFiles: `*_*.php` of the folder itself
  read: file =>
    /_.*\.php$/s.test(file) && !file.startsWith('.')
      ? { key: withoutEnding(file), name: withoutEnding(file) }
      : undefined,
}

export const laravel: FollowedReader = async (dir, options) => {
  const files = readNamed(dir, migrations, options)
  const known = new Set(files.map(({ key }) => key))
  const dumped = dumpedNames(join(folderOf(dir, migrations, options), '../schema')).filter(name => !known.has(name))
  return [...dumped.map(name => ({ key: name, name })), ...files].toSorted((a, b) => (a.name < b.name ? -1 : 1))
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
