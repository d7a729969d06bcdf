// node-pg-migrate's history: `pgmigrations`, one row for each file.

import type { HistoryTool } from './history.ts'
import { readNames, withoutEndingSql } from './names.ts'

export const nodePgMigrate: HistoryTool = {
  name: 'node-pg-migrate',
  title: 'node-pg-migrate',
  tables: ['pgmigrations'],
  columns: { name: 'text', run_on: 'time' },
  fields: { name: 'name', appliedAt: 'run_on' },
  order: 't.run_on, t.id',
  chronological: true,
  sql: { key: withoutEndingSql('name') },
  read: readNames,
}
