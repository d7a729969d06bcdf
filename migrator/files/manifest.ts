// The manifest of a folder of migrations: what both images are built with.

import type { LedgerManifest } from '../../gate/protocol/manifest.ts'
import type { Migration } from './migration.ts'

/** The head is the newest migration that is not repeatable, or the last of all if every one is. */
export function manifestOf(files: readonly Migration[]): LedgerManifest {
  return {
    version: 1,
    head: (files.findLast(file => file.kind !== 'repeatable') ?? files.at(-1))?.name ?? null,
    migrations: files.map(({ name, checksum, kind, marks }) => ({ name, checksum, kind, breaking: marks.breaking })),
  }
}
