// tern: one row, the newest number, 0 for none.

import { tern as tool } from '../../gate/histories/tern.ts'
import { lower, raise } from './newest-row.ts'
import { byNumber, type FilesTool } from './tool.ts'

export const tern: FilesTool = {
  tool,
  keyOf: byNumber,
  // migrate/migrate.go
  lockKeys: () => ['9628173550095224'],
  writeRow: ({ table, file }) => raise(table, file.key),
  removeRow: ({ table, file, before }) => lower(table, file.key, before?.key, '0'),
}
