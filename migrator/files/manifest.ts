// The manifest of a folder of migrations: what both images are built with.

import type { LedgerManifest } from '../../gate/protocol/manifest.ts'
import type { Migration } from './migration.ts'

export function manifestOf(files: readonly Migration[]): LedgerManifest {
  return {
    version: 1,
    head: (files.findLast(file => file.kind !== 'repeatable') ?? files.at(-1))?.name ?? null,
    migrations: files.map(({ name, checksum, kind, marks }) => ({ name, checksum, kind, breaking: marks.breaking })),
  }
}
