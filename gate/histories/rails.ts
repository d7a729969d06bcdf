// Rails' history: `schema_migrations` beside `ar_internal_metadata`, one row for each version.

import { eachApplied, type HistoryTool, numberKey, numberSql } from './history.ts'

export const rails: HistoryTool = {
  name: 'rails',
  title: 'Rails',
  tables: ['schema_migrations'],
  columns: { version: 'text' },
  companion: 'ar_internal_metadata',
  beside: () => ['ar_internal_metadata'],
  code: true,
  fields: { version: 'version' },
  order: 'pg_catalog.length(t.version), t.version',
  sql: { key: numberSql('version') },
  read: rows => ({
    // the versions are text, and Rails compares them as numbers
    entries: eachApplied(rows, ({ version }) => {
      const key = numberKey(version)
      return key === undefined ? undefined : { key, name: version! }
    }),
    unfinished: [],
  }),
}
