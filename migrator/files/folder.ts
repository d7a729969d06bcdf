// Reads a folder of migrations, in whatever layouts it has, into a list in the order in which they are applied.

import { isUtf8 } from 'node:buffer'
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { UsageError } from '../errors.ts'
import { withoutRestriction } from '../sql/foreign.ts'
import { checksum } from './checksum.ts'
import {
  foreignName,
  refuseForeign,
  refuseGeneralForms,
  refuseOtherDatabase,
  refuseUnlisted,
  refuseWaysBack,
} from './foreign.ts'
import { isSqlFile, type Named, readFolderName, readName } from './layouts.ts'
import { readDownMarks, readMarks, readParts } from './marks.ts'
import type { Migration, SqlPart } from './migration.ts'
import { compareMigrations, compareVersions } from './order.ts'
import { readUtf8 } from './read.ts'

/**
 * All migrations of a folder, oldest first.
 * @throws UsageError if the folder is missing, unreadable or holds no migration; on a `.sql` file of no known layout,
 *   on the same name twice, on a down part without an up part, on text that Postgres cannot take.
 */
export function readFolder(dir: string): Migration[] {
  const reading = readEntries(dir)
  for (;;) {
    const { done, value } = reading.next()
    if (done) return value
  }
}

/** The same, giving way now and then to what else the process has to do: the conversation with the server. */
export async function readFolderMeanwhile(dir: string): Promise<Migration[]> {
  await immediate()
  const reading = readEntries(dir)
  for (let entries = 1; ; entries++) {
    const { done, value } = reading.next()
    if (done) return value
    if (entries % 32 === 0) await immediate()
  }
}

/** Yields after every entry, and returns the migrations. */
function* readEntries(dir: string): Generator<void, Migration[]> {
  const downs = new Map<string, { named: Named; file: string }>()
  const migrations = new Map<string, Migration>()

  const add = (migration: Migration) => {
    const other = migrations.get(migration.name)
    if (other)
      throw new UsageError(
        `Two migrations are named ${migration.name}: ${other.file} and ${migration.file}. Rename one of them.`,
      )
    migrations.set(migration.name, migration)
  }

  // join() for each of a thousand names would take longer than reading them
  const prefix = join(dir, 'x').slice(0, -1)
  for (const entry of listFolder(dir)) {
    yield
    const path = prefix + entry.name
    if (entry.name.startsWith('.')) continue
    if (isFolder(entry, path)) {
      const migration = readMigrationFolder(entry.name, path)
      if (migration) add(migration)
      continue
    }
    const named = readName(entry.name)
    if (named && !entry.isFile() && !entry.isSymbolicLink())
      throw new UsageError(`${path} is not a regular file. Remove it from the migrations folder.`)
    if (!named) {
      const foreign = foreignName(entry.name)
      if (foreign) throw new UsageError(`${path} ${foreign}`)
      if (isSqlFile(entry.name)) throw new UsageError(noLayout(path))
      continue
    }
    if (named.direction === 'up') add(readUp(named, path))
    else if (downs.has(named.name))
      throw new UsageError(`Two down files for ${named.name}: ${downs.get(named.name)!.file} and ${path}. Remove one.`)
    else {
      refuseOtherDatabase(named.name, path)
      downs.set(named.name, { named, file: path })
    }
  }

  for (const { named, file } of downs.values()) {
    const up = migrations.get(named.name) ?? ofSameVersion(migrations, downs, named)
    if (!up)
      throw new UsageError(
        `${file} has no up file beside it: the up half of ${named.name} is missing. Restore it or remove this one.`,
      )
    if (up.down)
      throw new UsageError(`${up.file} has a down part of its own, and ${file} is another one. Remove one of them.`)
    migrations.set(up.name, { ...up, down: wholeFile(file) })
  }

  if (migrations.size === 0) throw new UsageError(noMigrations(dir))
  refuseWaysBack(migrations)
  refuseGeneralForms(migrations)
  refuseUnlisted(dir, migrations)
  return [...migrations.values()].sort(compareMigrations)
}

function listFolder(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const reason =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'ENOTDIR'
          ? 'is not a folder'
          : code === 'EACCES'
            ? `cannot be read by user ${process.getuid?.() ?? '?'} (EACCES): make it readable`
            : `cannot be read (${String(code)})`
    throw new UsageError(`The migrations folder ${dir} ${reason}. Name the right one with --dir or SCHEMAGATE_DIR.`)
  }
}

/** Links are followed: Kubernetes mounts every file of a ConfigMap as one. */
function isFolder(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return statSync(path).isDirectory()
  } catch {
    // a link to nowhere, or in circles: reading it will say so
    return false
  }
}

/** Hasura has a folder for each database, others one for each kind or release: perhaps the right one is inside. */
function noMigrations(dir: string): string {
  const folders = listFolder(dir)
    .filter(entry => !entry.name.startsWith('.') && isFolder(entry, join(dir, entry.name)))
    .map(entry => join(dir, entry.name))
    .filter(folder => listFolder(folder).some(({ name }) => readFolderName(name) ?? readName(name)))
  // beside mysql and sqlite
  const inside = folders.find(folder => /^(?:postgres|pg)/i.test(basename(folder))) ?? folders[0]
  if (inside !== undefined) return `No migrations in ${dir} itself. Perhaps you mean --dir ${inside}`
  return `No migrations in ${dir}. Name the right folder with --dir, or write the first: schemagate create NAME --dir ${dir}`
}

function noLayout(path: string): string {
  return (
    `${path} is not a migration of any known layout: a name starts with a number (0001_users.sql, ` +
    '0001_users.up.sql, V1__users.sql) or is R__name.sql. Rename it, or move it out of the migrations folder.'
  )
}

/** Prisma's `NAME/migration.sql`, Diesel's `NAME/up.sql` and `NAME/down.sql`; undefined: no SQL in it. */
function readMigrationFolder(folderName: string, path: string): Migration | undefined {
  const sqlFiles = listFolder(path)
    .filter(entry => !entry.name.startsWith('.') && isSqlFile(entry.name))
    .map(entry => entry.name)
  if (sqlFiles.length === 0) return undefined

  const stray = sqlFiles.find(name => !['migration.sql', 'up.sql', 'down.sql'].includes(name))
  const ups = sqlFiles.filter(name => name === 'migration.sql' || name === 'up.sql')
  if (stray)
    throw new UsageError(
      readName(stray)
        ? `${join(path, stray)} is in a folder of its own: migrations are read from one folder, and not from those inside it. Move it up, or out of the migrations folder, or name its folder with --dir.`
        : noLayout(join(path, stray)),
    )
  if (ups.length > 1) throw new UsageError(`${path} has both migration.sql and up.sql. Remove one of them.`)
  if (!ups[0]) throw new UsageError(`${join(path, 'down.sql')} has no up.sql beside it. Restore it or remove this one.`)

  const named = readFolderName(folderName)
  if (!named) throw new UsageError(noLayout(join(path, ups[0])))
  const up = readUp(named, join(path, ups[0]))
  return sqlFiles.includes('down.sql') ? { ...up, down: wholeFile(join(path, 'down.sql')) } : up
}

function readUp(named: Named, file: string): Migration {
  const source = readText(file)
  refuseOtherDatabase(named.name, file)
  refuseForeign(file, source)
  const kind = named.layout === 'code' ? 'code' : named.layout === 'repeatable' ? 'repeatable' : 'sql'
  const common = {
    name: named.name,
    kind,
    layout: named.layout,
    version: named.version,
    file,
    checksum: checksum(source),
  } as const
  if (kind === 'code') return { ...common, marks: readMarks(file, source) }

  const sql = withoutRestriction(source)
  const parts = readParts(file, sql)
  const toPart = (part: typeof parts.up): SqlPart => ({ file, source: sql, ...part })
  return {
    ...common,
    marks: parts.up.marks,
    up: toPart(parts.up),
    ...(parts.down && { down: toPart(parts.down) }),
  }
}

/** A file of its own for one direction; marks in it count, sections do not split it. */
function wholeFile(file: string): SqlPart {
  const source = withoutRestriction(readText(file))
  return { file, source, start: 0, end: source.length, marks: readDownMarks(file, source) }
}

/** Flyway and golang-migrate match the two by number alone; the words may differ. */
function ofSameVersion(
  migrations: ReadonlyMap<string, Migration>,
  downs: ReadonlyMap<string, unknown>,
  down: Named,
): Migration | undefined {
  const same = [...migrations.values()].filter(
    ({ layout, version }) => layout === down.layout && compareVersions(version, down.version) === 0,
  )
  if (down.layout === 'flyway') return same[0]
  // with several of one number, or one that has a down file by name, it would be a guess
  return same.length === 1 && !downs.has(same[0]!.name) ? same[0] : undefined
}

/** A file's text without its byte-order mark. Postgres takes UTF-8 without NUL; anything else would be cut or refused. */
function readText(file: string): string {
  let text: string
  try {
    // much the quickest way; it puts U+FFFD for what is no UTF-8
    text = readUtf8(file)
    if (text.includes('\uFFFD') || text.includes('\0')) requireText(file, readFileSync(file))
  } catch (error) {
    if (error instanceof UsageError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    const way = code === 'EACCES' ? ` Make it readable for user ${process.getuid?.() ?? '?'}.` : ''
    throw new UsageError(`${file} cannot be read (${code}).${way}`)
  }
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** @throws UsageError unless the bytes are UTF-8 without NUL. */
function requireText(file: string, bytes: Buffer): void {
  const nul = bytes.indexOf(0)
  if (nul !== -1) {
    const utf16 =
      bytes.length > 1 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new UsageError(
      utf16
        ? `${file} is UTF-16. Save it as UTF-8.`
        : `${file} has a NUL byte at offset ${nul}; Postgres would cut the text there. Remove it.`,
    )
  }
  if (!isUtf8(bytes)) throw new UsageError(`${file} is not valid UTF-8. Save it as UTF-8.`)
}
