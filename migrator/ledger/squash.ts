// A squash: the rows whose files are gone, and for which one new file stands in.

import { readFolderName, readName } from '../files/layouts.ts'
import type { Migration } from '../files/migration.ts'
import { compareVersions } from '../files/order.ts'
import type { LedgerRow } from './read.ts'
import { findRenames } from './renames.ts'

/**
 * The rows that `squash`, one of `files`, replaces: those before it whose files are gone.
 *
 * A row has only its name to say where it stood. A squash may be numbered like the last of what it replaces
 * (`0300_squash`) or like the first (`0001_init`, Prisma's `000000000000_squashed_migrations`). If a row with a lower
 * number than the squash's is gone, it is the former, and rows with a higher number are later ones. Else it takes the place
 * of all that is gone up to the next file.
 *
 * Rows of which a later file is the new name stay: they were renamed, not replaced. So do repeatable ones, and ones that
 * are half applied.
 */
export function replacedBy(
  files: readonly Migration[],
  rows: readonly LedgerRow[],
  squash: Migration,
): readonly LedgerRow[] {
  const index = files.indexOf(squash)
  const { certain } = findRenames(files, rows)
  const fileNames = new Set(files.map(file => file.name))
  const gone = rows.filter(({ name, kind, state }) => {
    if (fileNames.has(name) || kind === 'repeatable' || state === 'running') return false
    const renamedTo = certain.get(name)
    return renamedTo === undefined || files.indexOf(renamedTo) <= index
  })
  const compare = (row: LedgerRow, file: Migration) => compareVersions(versionOf(row.name), file.version)
  if (gone.some(row => compare(row, squash) < 0)) return gone.filter(row => compare(row, squash) <= 0)
  const next = files[index + 1]
  if (next === undefined || next.kind === 'repeatable') return gone
  return gone.filter(row => compare(row, next) < 0)
}

/** A name in the ledger has no ending. */
function versionOf(name: string): readonly bigint[] {
  return (readName(`${name}.sql`) ?? readFolderName(name))?.version ?? []
}
