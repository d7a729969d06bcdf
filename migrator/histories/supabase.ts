// Supabase: a row for each number, as it is written.

import { supabase as tool } from '../../gate/histories/supabase.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byNumber, type FilesTool, insert, remove, words, writtenNumber } from './tool.ts'

export const supabase: FilesTool = {
  tool,
  keyOf: byNumber,
  writeRow: ({ table, file }) =>
    insert(table, {
      version: writtenNumber(file),
      ...(table.columns.has('name') && { name: quoteLiteral(words(file)) }),
    }),
  removeRow: ({ table, file }) => remove(table, 'version', writtenNumber(file)),
}
