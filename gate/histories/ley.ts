// ley's history: `migrations`, one row for each module, with its path in the folder.

import type { HistoryTool } from './history.ts'
import { pathKeySql, readPaths } from './names.ts'

export const ley: HistoryTool = {
  name: 'ley',
  title: 'ley',
  tables: ['migrations'],
  columns: { id: 'number', name: 'text', created_at: 'time' },
  noOthers: true,
  code: true,
  fields: { name: 'name', appliedAt: 'created_at' },
  order: 't.id',
  chronological: true,
  sql: { key: pathKeySql('name') },
  read: readPaths,
}
