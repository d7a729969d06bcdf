// dbmate's history: `schema_migrations`, one row for each version.

import { eachApplied, type HistoryTool, numberKey, numberSql } from './history.ts'

export const dbmate: HistoryTool = {
  name: 'dbmate',
  title: 'dbmate',
  tables: ['schema_migrations'],
  columns: { version: 'text' },
  fields: { version: 'version' },
  order: 't.version',
  sql: { key: numberSql('version') },
  read: rows => ({
    entries: eachApplied(rows, ({ version }) =>
      version ? { key: numberKey(version) ?? version, name: version } : undefined,
    ),
    unfinished: [],
  }),
}
