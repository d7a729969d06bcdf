// Alembic's history: `alembic_version`, one row for each head.

import { eachApplied, type HistoryTool } from './history.ts'

export const alembic: HistoryTool = {
  name: 'alembic',
  title: 'Alembic',
  tables: ['alembic_version'],
  columns: { version_num: 'text' },
  ownName: true,
  code: true,
  heads: true,
  fields: { version: 'version_num' },
  order: 't.version_num',
  sql: { key: 'version_num' },
  read: rows => ({
    entries: eachApplied(rows, ({ version }) => (version ? { key: version, name: version } : undefined)),
    unfinished: [],
  }),
}
