// Diesel: a row for each folder, by the digits of its name.

import { diesel as tool } from '../../gate/histories/diesel.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { type FilesTool, insert, remove } from './tool.ts'

export const diesel: FilesTool = {
  tool,
  // migrations_internals: what precedes the first underscore, without dashes
  keyOf: ({ name }) => name.split('_')[0]!.replaceAll('-', ''),
  writeRow: ({ table, file }) => insert(table, { version: quoteLiteral(file.key) }),
  removeRow: ({ table, file }) => remove(table, 'version', quoteLiteral(file.key)),
}
