// Finds the migration whose name an operator typed, or the one that was probably meant.

import { closest } from '../../gate/did-you-mean.ts'
import { readName } from './layouts.ts'
import type { Migration } from './migration.ts'
import { compareVersions } from './order.ts'

/** The migration of exactly this name, in whatever Unicode form it is typed. */
export function migrationNamed<M extends Pick<Migration, 'name'>>(files: readonly M[], typed: string): M | undefined {
  const name = typed.normalize('NFC')
  return files.find(file => file.name.normalize('NFC') === name)
}

/** " Did you mean ...?" for a number, a file's name or a slip of the keyboard; empty if nothing comes near. */
export function didYouMeanMigration(files: readonly Pick<Migration, 'name' | 'version'>[], typed: string): string {
  const meant = ofNumber(files, typed)
  if (meant.length === 0) {
    const guess = ofFile(files, typed) ?? closest(typed, names(files))
    if (guess !== undefined) meant.push(guess)
  }
  return meant.length === 0 ? '' : ` Did you mean ${meant.slice(0, 5).join(' or ')}?`
}

/** `5` and `V1.2` are the number alone, with or without zeros before it. */
function ofNumber(files: readonly Pick<Migration, 'name' | 'version'>[], typed: string): string[] {
  if (!/^V?\d+(?:[._]\d+)*$/.test(typed)) return []
  const version = typed.replace('V', '').split(/[._]/).map(BigInt)
  return names(files.filter(file => file.version.length > 0 && compareVersions(file.version, version) === 0))
}

/** With its ending, or with its path; of a migration that is a folder, the folder's name. */
function ofFile(files: readonly Pick<Migration, 'name'>[], typed: string): string | undefined {
  return typed
    .split('/')
    .flatMap(part => migrationNamed(files, part) ?? migrationNamed(files, readName(part)?.name ?? part) ?? [])
    .at(-1)?.name
}

function names(files: readonly Pick<Migration, 'name'>[]): string[] {
  return files.map(file => file.name)
}
