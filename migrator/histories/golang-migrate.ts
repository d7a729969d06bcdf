// golang-migrate: one row, the newest number.

import { golangMigrate as tool } from '../../gate/histories/golang-migrate.ts'
import { lower, raise } from './newest-row.ts'
import { byNumber, crcOf, type FilesTool } from './tool.ts'

const salt = 1486364155

export const golangMigrate: FilesTool = {
  tool,
  // of other names it knows nothing
  keyOf: migration => (migration.layout === 'pair' ? byNumber(migration) : undefined),
  // database/util.go: a product of 32 bits
  lockKeys: ({ schema, table }, database) => [
    String(Math.imul(crcOf([database, schema, table].join('\0')), salt) >>> 0),
  ],
  writeRow: ({ table, file }) => raise(table, file.key, { dirty: 'false' }),
  removeRow: ({ table, file, before }) => lower(table, file.key, before?.key),
}
