// db-migrate's history: `migrations`, one row for each module, with a slash before its name.

import type { HistoryTool } from './history.ts'
import { pathKeySql, readPaths } from './names.ts'

export const dbMigrate: HistoryTool = {
  name: 'db-migrate',
  title: 'db-migrate',
  tables: ['migrations'],
  columns: { id: 'number', name: 'text', run_on: 'time' },
  noOthers: true,
  code: true,
  fields: { name: 'name', appliedAt: 'run_on' },
  order: 't.id',
  chronological: true,
  sql: { key: pathKeySql('name') },
  read: readPaths,
}
