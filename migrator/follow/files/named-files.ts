// Tools whose history is known by the names of files: what is in them only the tool reads.

import { dirname, join, sep } from 'node:path'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import { isThere } from '../../files/cannot-read.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { baseOf, filesIn, isOwnFolder, isVisible } from './tree.ts'

export interface NamedFiles {
  /** Where the tool's migrations are in a project: its folder can be named as well. */
  readonly usual?: string
  /** It looks into all folders inside. */
  readonly deep?: true
  /** What a file's name says, without its folder; undefined: it is no migration. */
  read(fileName: string, path: string): FollowedMigration | undefined
}

/** The migrations in a folder, in the order of their files' names. */
export function readNamed(dir: string, named: NamedFiles, options: FolderOptions): FollowedMigration[] {
  const { deep, read } = named
  const folder = folderOf(dir, named, options)
  const enters = (name: string) => deep === true && isVisible(name)
  const isFile = (name: string) => read(name, join(folder, name)) !== undefined
  const paths = filesIn(folder, { ignore: options.ignore, enters, isFile })
  const found = paths.flatMap(path => read(baseOf(path), join(folder, path)) ?? [])
  return found.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/**
 * The folder that is named, or the usual one in it.
 * @throws UsageError if both hold migrations: reading one alone would open the gate on a database that lacks the other's.
 */
export function folderOf(dir: string, { usual, read }: NamedFiles, { ignore }: FolderOptions): string {
  if (usual === undefined || !isThere(join(dir, usual))) return dir
  const enters = (_name: string, path: string) => `${join(dir, usual)}${sep}`.startsWith(`${path}${sep}`)
  const found = filesIn(dir, { ignore, enters }).filter(path => read(baseOf(path), join(dir, path)) !== undefined)
  // a project has other modules beside the folder, and their names have no number
  const own = found.find(path => /^\d[^/]*$/.test(path))
  const inside = found.find(path => path.startsWith(`${usual}/`))
  if (own !== undefined && inside !== undefined)
    throw new UsageError(
      `${dir} holds ${own}, and the folder ${usual} in it ${baseOf(inside)}: only one of these folders is the one of migrations. Name ${join(dir, usual)} with --dir; or leave that out: --ignore '${usual}'`,
    )
  return own === undefined ? join(dir, usual) : dir
}

/** Folders of libraries, of what is built, and of tests. */
const notAdded = /^(?:vendor|deps|_build|tests?|spec|stubs?)$/i

/**
 * Logs the folders of a project that hold migrations and are not the usual one: those of another database or another tool,
 * and those that the project adds to its history (`db/post_migrate`, `modules/costs/db/migrate`, `priv/account/migrations`).
 */
export function logOthers(
  dir: string,
  { usual, title, migration }: { readonly usual: string; readonly title: string; readonly migration: RegExp },
  { ignore, onLeftOut }: FolderOptions,
): void {
  if (!isThere(join(dir, usual))) return
  const enters = (name: string, path: string) =>
    isOwnFolder(name, path) && !notAdded.test(name) && path !== join(dir, usual)
  const others = filesIn(dir, { ignore, enters }).filter(path => migration.test(baseOf(path)))
  // seeds are numbered as well
  const folders = others.map(dirname).filter(folder => /migrat/i.test(baseOf(folder)))
  for (const folder of new Set(folders))
    onLeftOut?.({
      file: join(dir, folder),
      message: `${join(dir, folder)} is left out: ${title} reads ${usual} alone, unless the project adds to it. If it adds this one, name a folder that has both with --dir (only names are read: a folder with a copy of both will do); otherwise: --ignore ${folder}`,
    })
}

/** A number and the words behind it, in the order of numbers. */
export function byNumber(migrations: readonly FollowedMigration[]): readonly FollowedMigration[] {
  return migrations.toSorted((a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : 1))
}
