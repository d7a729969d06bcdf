// Lucid's history: `adonis_schema`, one row for each module, with its path in the project.

import { eachApplied, type HistoryTool, present } from './history.ts'
import { withoutEnding, withoutEndingSql } from './names.ts'

export const lucid: HistoryTool = {
  name: 'lucid',
  title: 'Lucid',
  tables: ['adonis_schema'],
  columns: { name: 'text', batch: 'number', migration_time: 'time' },
  beside: table => [`${table}_versions`],
  code: true,
  fields: { name: 'name', appliedAt: 'migration_time' },
  order: 't.id',
  chronological: true,
  sql: { key: withoutEndingSql("regexp_replace(name, '^.*/', '')") },
  read: rows => ({
    entries: eachApplied(rows, row =>
      row.name
        ? { key: withoutEnding(row.name.replace(/^.*\//, '')), name: row.name, ...present(row, ['appliedAt']) }
        : undefined,
    ),
    unfinished: [],
  }),
}
