// What is in the migrations folder, and the error if none of it is a migration.

import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { cannotRead, isThere } from './cannot-read.ts'
import { orFollow } from './foreign-code.ts'
import { ignoredBy } from './ignore.ts'
import { isSqlFile, mayBeUp, readFolderName, readName } from './layouts.ts'
import { codeToolOf } from './other-languages.ts'
import { readUtf8 } from './read-large.ts'
import { isFolderFile } from './tools/folders.ts'
import type { Listing, Tool } from './tools/tool.ts'

export interface FolderListing extends Listing {
  /** All names in it that are not ignored, in the order in which the system lists them. */
  readonly entries: readonly string[]
  /** Names of what is neither a file, a folder nor a link to one. */
  readonly irregular: ReadonlySet<string>
  /** Names of links that lead to no folder. */
  readonly links: ReadonlySet<string>
  /** Paths of the regular files that may be the up half of a migration, in the folder and in those in it. */
  readonly regular: readonly string[]
  /** There are folders in the folders. */
  readonly isDeep: boolean
  /** What was asked of {@link Listing.text} so far, and what it has answered. */
  readonly consulted: ReadonlyMap<string, string | undefined>
  /** Paths of the files that are in folders inside that one, however deep, without what is hidden and libraries. */
  deepIn(folder: string): readonly string[]
}

/**
 * Lists a folder and the folders in it, without what the globs leave out.
 * @throws UsageError if it is missing or cannot be read.
 */
export function listFolder(dir: string, ignore: readonly string[]): FolderListing {
  const ignored = ignoredBy(ignore)
  const entries: string[] = []
  const files: string[] = []
  const regular: string[] = []
  const consulted = new Map<string, string | undefined>()
  const irregular = new Set<string>()
  const links = new Set<string>()
  const folders = new Map<string, readonly string[]>()
  const deep = new Set<string>()
  const deepIn = new Map<string, readonly string[]>()
  for (const entry of entriesOf(dir)) {
    const { name } = entry
    if (ignored(name)) continue
    if (entry.isFile()) {
      files.push(name)
      if (mayBeUp(name)) regular.push(name)
    } else if (!isFolder(dir, entry)) {
      files.push(name)
      if (entry.isSymbolicLink()) links.add(name)
      else irregular.add(name)
    } else if (!name.startsWith('.')) {
      const all = entriesInside(join(dir, name))
      const inside = all.filter(inner => !ignored(`${name}/${inner.name}`))
      // what is left out as a whole is no empty folder
      if (inside.length === 0 && all.length > 0) continue
      folders.set(
        name,
        inside.map(inner => inner.name),
      )
      for (const inner of inside) if (isFolderFile(inner.name) && inner.isFile()) regular.push(`${name}/${inner.name}`)
      if (inside.some(inner => inner.isDirectory())) deep.add(name)
    }
    entries.push(name)
  }
  return {
    entries,
    files,
    irregular,
    links,
    folders,
    regular,
    isDeep: deep.size > 0,
    consulted,
    text(path) {
      if (!consulted.has(path)) consulted.set(path, textAt(join(dir, path)))
      return consulted.get(path)
    },
    deepIn(folder) {
      if (!deep.has(folder)) return []
      const found = deepIn.get(folder) ?? deepFiles(dir, folder).filter(path => !ignored(path))
      deepIn.set(folder, found)
      return found
    },
  }
}

/** Undefined: there is no such file, or a folder of that name. */
function textAt(path: string): string | undefined {
  // most of these files do not exist, and an error costs more than a check
  return isThere(path) && statSync(path).isFile() ? readUtf8(path).replace(/^\uFEFF/, '') : undefined
}

function entriesOf(dir: string): Dirent[] {
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

/** Libraries and what is hidden are not even looked at: they may be far more than all else. */
function deepFiles(dir: string, folder: string): readonly string[] {
  if (folder === 'node_modules') return []
  const files: string[] = []
  const folders = [folder]
  for (const inside of folders) {
    for (const entry of entriesInside(join(dir, inside))) {
      const path = `${inside}/${entry.name}`
      if (entry.name.startsWith('.')) continue
      if (!entry.isDirectory()) files.push(path)
      else if (entry.name !== 'node_modules') folders.push(path)
    }
  }
  return files.filter(path => path.split('/').length > 2)
}

function entriesInside(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    throw cannotRead(folder, error)
  }
}

/** Follows links: Kubernetes mounts every file of a ConfigMap as one. */
function isFolder(dir: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return statSync(join(dir, entry.name)).isDirectory()
  } catch {
    // a broken link, or a circle of links: reading it reports that
    return false
  }
}

/** The folder has nothing that could be a migration: the first one is still to be written. */
export class NoneYetError extends UsageError {}

/** The error for a folder without migrations. */
export function noMigrations(dir: string, listing: FolderListing, tool: Tool | undefined): UsageError {
  const others = whatElse(dir, listing, tool)
  // `.` at the end of a sentence is read as the folder above
  const place = dir.endsWith('.') ? resolve(dir) : dir
  if (others !== undefined) return new UsageError(`No migrations in ${place} ${others}`)
  return new NoneYetError(
    `No migrations in ${place}. Name the right folder with --dir, or write the first: schemagate create NAME --dir ${dir}`,
  )
}

/** Hasura has a folder for each database, others have one for each release: the right one may be inside. */
function whatElse(dir: string, listing: FolderListing, tool: Tool | undefined): string | undefined {
  const inside = foldersInside(listing)
  const right = rightOne(inside)
  const owner = codeToolOf(listing)
  if (owner)
    return `that schemagate can run: it holds those of ${owner.title}, which only ${owner.title} can run. Name another folder with --dir${orFollow(owner) || '.'}`
  if (right !== undefined) return `itself. Perhaps you mean --dir ${join(dir, right)}`
  if (inside.length > 0)
    return `itself, but in ${inside.length} folders inside, as in ${join(dir, inside[0]!)}. Name the right one with --dir.`
  if (tool && listing.entries.some(name => !name.startsWith('.')))
    return `that ${tool.title} would run. Name the right folder with --dir, or its tool with --layout.`
  return undefined
}

/**
 * The error for a folder above the one with the migrations: it has no numbered file or folder itself, and a single folder
 * inside has all of them, or they are another tool's code. Undefined: it is another case.
 */
export function folderAbove(dir: string, listing: FolderListing): UsageError | undefined {
  const names = [...listing.files, ...listing.folders.keys()]
  if (names.some(name => /^\d/.test(name) || readName(name))) return undefined
  const isAbove = rightOne(foldersInside(listing)) !== undefined || codeToolOf(listing) !== undefined
  return isAbove ? noMigrations(dir, listing, undefined) : undefined
}

/** Paths of the folders inside, however deep, with names of migrations in them. */
function foldersInside(listing: FolderListing): readonly string[] {
  const inside = [...listing.folders].flatMap(([folder, names]) => {
    const own = names.some(name => readName(name)) ? [folder] : []
    return [...own, ...listing.deepIn(folder).flatMap(path => folderOf(path) ?? [])]
  })
  return [...new Set(inside)]
}

/** The folder of migrations that a file deep inside is in, if it is a migration. */
function folderOf(path: string): string | undefined {
  const folder = posix.dirname(path)
  if (isFolderFile(posix.basename(path))) return readFolderName(posix.basename(folder)) && posix.dirname(folder)
  return isSqlFile(path) && readName(posix.basename(path)) ? folder : undefined
}

/** The only one, or the only one for Postgres among others for mysql and sqlite. */
function rightOne(folders: readonly string[]): string | undefined {
  const forPostgres = folders.filter(folder => /^(?:postgres|pg)/i.test(posix.basename(folder)))
  const [right, another] = folders.length === 1 ? folders : forPostgres
  return another === undefined ? right : undefined
}

/** The error for a folder where a file must be. */
export function folderForFile(path: string): UsageError {
  return new UsageError(
    `${path} is a folder, and its name is a migration's file. Docker makes such a folder where a file is mounted that does not exist. Put the file there, or remove the folder.`,
  )
}

/** The message for a file that no layout takes. @param glob what `--ignore` would leave it out by. */
export function noLayout(path: string, glob: string): string {
  return (
    `${path} is not a migration of any known layout: a name starts with a number (0001_users.sql, ` +
    '0001_users.up.sql, V1__users.sql) or is R__name.sql. Rename it, move it out of the migrations folder, or leave it ' +
    `out: --ignore '${glob}'`
  )
}
