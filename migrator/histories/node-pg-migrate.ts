// node-pg-migrate: a row for each file, by its name.

import { nodePgMigrate as tool } from '../../gate/histories/node-pg-migrate.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byName, type FilesTool, insert, remove } from './tool.ts'

export const nodePgMigrate: FilesTool = {
  tool,
  keyOf: byName,
  lockKeys: () => ['7241865325823964'],
  writeRow: ({ table, file }) =>
    insert(table, { name: quoteLiteral(file.key), run_on: 'pg_catalog.clock_timestamp()' }),
  removeRow: ({ table, file }) => remove(table, 'name', quoteLiteral(file.key)),
}
