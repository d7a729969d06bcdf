// Lucid's history: `adonis_schema`, one row for each module, with its path in the project.

import type { HistoryTool } from './history.ts'
import { pathKeySql, readPaths } from './names.ts'

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
  sql: { key: pathKeySql('name') },
  read: readPaths,
}
