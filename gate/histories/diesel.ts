// Diesel's history: `__diesel_schema_migrations`, one row for each migration.

import { eachApplied, type HistoryTool, present } from './history.ts'

export const diesel: HistoryTool = {
  name: 'diesel',
  title: 'Diesel',
  tables: ['__diesel_schema_migrations'],
  columns: { version: 'text', run_on: 'time' },
  ownName: true,
  fields: { version: 'version', appliedAt: 'run_on' },
  order: 't.run_on, t.version',
  chronological: true,
  sql: { key: 'version' },
  read: rows => ({
    entries: eachApplied(rows, row =>
      row.version ? { key: row.version, name: row.version, ...present(row, ['appliedAt']) } : undefined,
    ),
    unfinished: [],
  }),
}
