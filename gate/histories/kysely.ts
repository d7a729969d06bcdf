// Kysely's history: `kysely_migration`, one row for each module.

import type { HistoryTool } from './history.ts'
import { readNames, withoutEndingSql } from './names.ts'

export const kysely: HistoryTool = {
  name: 'kysely',
  title: 'Kysely',
  tables: ['kysely_migration'],
  columns: { name: 'text', timestamp: 'text' },
  ownName: true,
  beside: table => [`${table}_lock`],
  code: true,
  fields: { name: 'name', appliedAt: '"timestamp"' },
  order: 't."timestamp", t.name',
  chronological: true,
  sql: { key: withoutEndingSql('name') },
  read: readNames,
}
