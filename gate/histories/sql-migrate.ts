// sql-migrate's history: `gorp_migrations`, one row for each file.

import { eachApplied, type HistoryTool, present } from './history.ts'
import { withoutEnding, withoutEndingSql } from './names.ts'

export const sqlMigrate: HistoryTool = {
  name: 'sql-migrate',
  title: 'sql-migrate',
  tables: ['gorp_migrations'],
  columns: { id: 'text', applied_at: 'time' },
  fields: { id: 'id', appliedAt: 'applied_at', checksum: 'checksum' },
  newer: ['checksum'],
  order: 't.applied_at, t.id',
  chronological: true,
  sql: { key: withoutEndingSql('id') },
  read: rows => ({
    entries: eachApplied(rows, row =>
      row.id ? { key: withoutEnding(row.id), name: row.id, ...present(row, ['appliedAt', 'checksum']) } : undefined,
    ),
    unfinished: [],
  }),
}
