// golang-migrate's history: `schema_migrations`, one row with the newest number.

import { type HistoryTool, numberKey } from './history.ts'

export const golangMigrate: HistoryTool = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  tables: ['schema_migrations'],
  columns: { version: 'number', dirty: 'boolean' },
  // projects that share a database name one each (x-migrations-table), and a number says nothing of whose it is
  onlyThese: true,
  fields: { version: 'version', dirty: 'dirty' },
  order: 't.version',
  sql: {
    key: 'version::text',
    state: "case when version < 0 then null when dirty then 'unfinished' else 'up-to' end",
  },
  read(rows) {
    const row = rows.at(-1)
    const key = numberKey(row?.version)
    // -1 is written when all was taken back
    if (!row || key === undefined) return { entries: [], unfinished: [] }
    if (row.dirty === 'true')
      return {
        entries: [],
        unfinished: [
          {
            key,
            name: key,
            message: `golang-migrate failed half-way in ${key} (dirty). Put right what it left in the database, then name the version that it has: migrate force VERSION.`,
          },
        ],
      }
    return { entries: [{ key, name: key }], upTo: key, unfinished: [] }
  },
}
