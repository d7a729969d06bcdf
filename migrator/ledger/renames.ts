// Renames: rows whose file is gone, paired with files that have the same content and another name.

import type { Migration } from '../files/migration.ts'
import type { LedgerRow } from './read.ts'

export interface Renames {
  /** By the row's name: the one file that can only be the row's under a new name. */
  readonly certain: ReadonlyMap<string, Migration>
  /** By the row's name: files that have its content, where it takes a person to say which is which (empty files, say). */
  readonly possible: ReadonlyMap<string, readonly Migration[]>
}

/**
 * A row and a file belong together if their names differ only in the Unicode form (macOS writes an é as two characters),
 * or if they alone have this content.
 */
export function findRenames(files: readonly Migration[], rows: readonly LedgerRow[]): Renames {
  const rowNames = new Set(rows.map(row => row.name))
  const fileNames = new Set(files.map(file => file.name))
  const gone = rows.filter(row => !fileNames.has(row.name))
  const fresh = files.filter(file => !rowNames.has(file.name))
  const certain = new Map<string, Migration>()
  const possible = new Map<string, readonly Migration[]>()
  if (gone.length === 0 || fresh.length === 0) return { certain, possible }

  const freshByName = new Map(fresh.map(file => [file.name.normalize('NFC'), file]))
  for (const row of gone) {
    const file = freshByName.get(row.name.normalize('NFC'))
    if (file) certain.set(row.name, file)
  }
  const taken = new Set(certain.values())
  const freshByContent = Map.groupBy(
    fresh.filter(file => !taken.has(file)),
    content,
  )
  const goneByContent = Map.groupBy(
    gone.filter(row => !certain.has(row.name)),
    content,
  )
  for (const [key, alike] of goneByContent) {
    const those = freshByContent.get(key)
    if (those?.length === 1 && alike.length === 1) certain.set(alike[0]!.name, those[0]!)
    else if (those) for (const row of alike) possible.set(row.name, those)
  }
  return { certain, possible }
}

/** A repeatable migration runs again and a versioned one does not: neither is the other's new name. */
function content({ kind, checksum }: { readonly kind: string; readonly checksum: string }): string {
  return `${kind === 'repeatable'} ${checksum}`
}
