// Atlas: one SHA-256 that goes on from file to file.

import { atlas as tool } from '../../gate/histories/atlas.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { type FilesTool, hasher, insert, remove, words } from './tool.ts'

export const atlas: FilesTool = {
  tool,
  keyOf: ({ name }) => name.split('_')[0]!,
  cumulative: true,
  // sql/migrate/dir.go: name and bytes of each file, in the order of names; of one that is to be ignored the name alone
  checksums(files) {
    const hash = hasher('sha256')
    const byBase = files.toSorted((a, b) => (a.base < b.base ? -1 : 1))
    return new Map(
      byBase.map(({ migration, base, bytes, text }) => {
        hash.update(base)
        if (!/^--[ \t]*atlas:sum[ \t]+ignore[ \t]*$/m.test(text)) hash.update(bytes)
        return [migration.name, [hash.copy().digest('base64')]]
      }),
    )
  },
  // sql/postgres/driver.go: FNV-1 of 32 bits
  lockKeys: () => [String(fnv1('atlas_migrate_execute'))],
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      version: quoteLiteral(file.key),
      description: quoteLiteral(words(file)),
      type: '2',
      applied: '1',
      total: '1',
      executed_at: 'pg_catalog.clock_timestamp()',
      execution_time: '0',
      hash: quoteLiteral(checksum ?? ''),
      operator_version: "'schemagate'",
    }),
  removeRow: ({ table, file }) => remove(table, 'version', quoteLiteral(file.key)),
}

function fnv1(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash, 0x01000193) ^ byte
  return hash >>> 0
}
