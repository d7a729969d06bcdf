// goose: a row for each number.

import { goose as tool } from '../../gate/histories/goose.ts'
import { byNumber, type FilesTool, insert, remove } from './tool.ts'

export const goose: FilesTool = {
  tool,
  keyOf: byNumber,
  // lock/session_locker_options.go: held where a project has switched locking on
  lockKeys: () => ['4097083626'],
  writeRow: ({ table, file }) => insert(table, { version_id: file.key, is_applied: 'true' }),
  removeRow: ({ table, file }) => remove(table, 'version_id', file.key),
}
