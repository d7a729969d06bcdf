// Supabase's history: `supabase_migrations.schema_migrations`, one row for each version.

import { eachApplied, type HistoryTool, numberKey, numberSql } from './history.ts'

export const supabase: HistoryTool = {
  name: 'supabase',
  title: 'Supabase',
  tables: ['schema_migrations'],
  schema: 'supabase_migrations',
  columns: { version: 'text' },
  beside: () => ['seed_files'],
  fields: { version: 'version', name: 'name' },
  newer: ['name'],
  order: 't.version',
  sql: { key: numberSql('version') },
  read: rows => ({
    entries: eachApplied(rows, ({ version, name }) =>
      version ? { key: numberKey(version) ?? version, name: name ? `${version}_${name}` : version } : undefined,
    ),
    unfinished: [],
  }),
}
