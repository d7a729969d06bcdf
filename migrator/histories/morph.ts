// morph: a row for each number, with the words of the file's name.

import { morph as tool } from '../../gate/histories/morph.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byNumber, type FilesTool, insert, remove, words } from './tool.ts'

export const morph: FilesTool = {
  tool,
  // of other names it knows nothing
  keyOf: migration => (migration.layout === 'pair' ? byNumber(migration) : undefined),
  writeRow: ({ table, file }) => insert(table, { version: file.key, name: quoteLiteral(words(file)) }),
  removeRow: ({ table, file }) => remove(table, 'version', file.key),
}
