// Ecto's history: `schema_migrations`, one row for each version.

import { eachApplied, type HistoryTool, numberKey, present } from './history.ts'

export const ecto: HistoryTool = {
  name: 'ecto',
  title: 'Ecto',
  tables: ['schema_migrations'],
  columns: { version: 'number', inserted_at: 'time' },
  code: true,
  fields: { version: 'version', appliedAt: 'inserted_at' },
  order: 't.inserted_at nulls first, t.version',
  chronological: true,
  sql: { key: 'version::text' },
  read: rows => ({
    entries: eachApplied(rows, row => {
      const key = numberKey(row.version)
      return key === undefined ? undefined : { key, name: key, ...present(row, ['appliedAt']) }
    }),
    unfinished: [],
  }),
}
