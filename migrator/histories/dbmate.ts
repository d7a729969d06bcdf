// dbmate: a row for each number, as it is written.

import { dbmate as tool } from '../../gate/histories/dbmate.ts'
import { byNumber, type FilesTool, insert, remove, writtenNumber } from './tool.ts'

export const dbmate: FilesTool = {
  tool,
  keyOf: byNumber,
  writeRow: ({ table, file }) => insert(table, { version: writtenNumber(file) }),
  removeRow: ({ table, file }) => remove(table, 'version', writtenNumber(file)),
}
