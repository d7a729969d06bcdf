// Laravel's history: `migrations`, one row for each file.

import { eachApplied, type HistoryTool } from './history.ts'
import { withoutEnding, withoutEndingSql } from './names.ts'

export const laravel: HistoryTool = {
  name: 'laravel',
  title: 'Laravel',
  tables: ['migrations'],
  columns: { migration: 'text', batch: 'number' },
  code: true,
  fields: { name: 'migration' },
  order: 't.batch, t.migration',
  chronological: true,
  sql: { key: withoutEndingSql('migration') },
  read: rows => ({
    entries: eachApplied(rows, ({ name }) => (name ? { key: withoutEnding(name), name } : undefined)),
    unfinished: [],
  }),
}
