// Tools whose history is known by the names of files: what is in them only the tool reads.

import { join } from 'node:path'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { isThere } from '../../files/cannot-read.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { filesIn, isVisible } from './tree.ts'

export interface NamedFiles {
  /** Where the tool's migrations are in a project: its folder can be named as well. */
  readonly usual?: string
  /** It looks into all folders inside. */
  readonly deep?: true
  /** What a file's name says, without its folder; undefined: it is no migration. */
  read(fileName: string, path: string): FollowedMigration | undefined
}

/** The migrations in a folder, in the order of their files' names. */
export function readNamed(dir: string, { usual, deep, read }: NamedFiles, options: FolderOptions): FollowedMigration[] {
  const folder = folderOf(dir, usual)
  const enters = (name: string) => deep === true && isVisible(name)
  const isFile = (name: string) => read(name, join(folder, name)) !== undefined
  const paths = filesIn(folder, { ignore: options.ignore, enters, isFile })
  const found = paths.flatMap(path => read(path.slice(path.lastIndexOf('/') + 1), join(folder, path)) ?? [])
  return found.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

export function folderOf(dir: string, usual: string | undefined): string {
  return usual !== undefined && isThere(join(dir, usual)) ? join(dir, usual) : dir
}

/** A number and the words behind it, in the order of numbers. */
export function byNumber(migrations: readonly FollowedMigration[]): readonly FollowedMigration[] {
  return migrations.toSorted((a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : 1))
}
