// Rails: `20240101000000_name.rb` in db/migrate; where there is none, the versions that db/structure.sql or db/schema.rb has.
// https://github.com/rails/rails: activerecord/lib/active_record/migration.rb.

import { join } from 'node:path'
import { numberKey } from '../../../gate/histories/history.ts'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import { isThere } from '../../files/cannot-read.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { byNumber, logOthers, readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

const usual = 'db/migrate'
/** What is looked at, and what of that is a migration; the part before the ending is the engine that it came from. */
const looked = /^\d.*_.*\.rb$/s
const migration = /^(\d+)_[_a-z0-9]*\.?[_a-z0-9]*\.rb$/

export const rails: FollowedReader = async (dir, options) => {
  const places = [dir, join(dir, 'db'), join(dir, '..')]
  const hasFolder = isThere(dir) || !dir.endsWith('migrate')
  const files = hasFolder ? readNamed(dir, { usual, deep: true, read: readFile }, options) : []
  const migrations = files.length > 0 ? files : fromSchema(places)
  logOthers(dir, { usual, title: 'Rails', migration }, options)
  return byNumber(migrations)
}

function readFile(file: string, path: string): FollowedMigration | undefined {
  if (!looked.test(file)) return undefined
  const key = numberKey(migration.exec(file)?.[1])
  if (key === undefined)
    throw new UsageError(
      `${path} has a name that Rails refuses (IllegalMigrationNameError): only small letters, digits and underscores may follow the number. Rename it.`,
    )
  return { key, name: file.slice(0, -'.rb'.length) }
}

function fromSchema(folders: readonly string[]): readonly FollowedMigration[] {
  for (const folder of folders) {
    const structure = join(folder, 'structure.sql')
    if (isThere(structure)) return versions(inserted(readUtf8(structure)))
    const schema = join(folder, 'schema.rb')
    if (isThere(schema)) {
      const version = /^ActiveRecord::Schema(?:\[[\d.]+\])?\.define\(version: ([\d_]+)\)/m.exec(readUtf8(schema))?.[1]
      return version === undefined ? [] : versions([version.replaceAll('_', '')])
    }
  }
  return []
}

/** `INSERT INTO "schema_migrations" (version) VALUES ('20240101000000'), ...;`, the end of a structure.sql. */
function inserted(text: string): readonly string[] {
  const found: string[] = []
  let isInside = false
  for (const line of text.split(/\r?\n/)) {
    isInside ||= /^INSERT INTO "?schema_migrations"? /i.test(line)
    if (isInside) found.push(...[...line.matchAll(/'(\d+)'/g)].map(([, version]) => version!))
    if (line.trimEnd().endsWith(';')) isInside = false
  }
  return found
}

function versions(found: readonly string[]): readonly FollowedMigration[] {
  return found.map(version => ({ key: numberKey(version)!, name: version }))
}
