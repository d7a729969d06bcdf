// sql-migrate: a row for each file, by its name; newer releases store its SHA-256.

import { sqlMigrate as tool } from '../../gate/histories/sql-migrate.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byName, digest, eachChecksum, type FilesTool, insert, remove } from './tool.ts'

export const sqlMigrate: FilesTool = {
  tool,
  keyOf: byName,
  checksums: files => eachChecksum(files, ({ bytes }) => [digest('sha256', bytes)]),
  checksumForm: /^[0-9a-f]{64}$/,
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      id: quoteLiteral(file.base),
      applied_at: 'pg_catalog.clock_timestamp()',
      ...(table.columns.has('checksum') && { checksum: quoteLiteral(checksum ?? '') }),
    }),
  removeRow: ({ table, file }) => remove(table, 'id', quoteLiteral(file.base)),
}
