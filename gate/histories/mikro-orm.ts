// MikroORM's history: `mikro_orm_migrations`, one row for each module.

import type { HistoryTool } from './history.ts'
import { readNames, withoutEndingSql } from './names.ts'

export const mikroOrm: HistoryTool = {
  name: 'mikro-orm',
  title: 'MikroORM',
  tables: ['mikro_orm_migrations'],
  columns: { id: 'number', name: 'text', executed_at: 'time' },
  ownName: true,
  code: true,
  fields: { name: 'name', appliedAt: 'executed_at' },
  order: 't.id',
  chronological: true,
  // releases before 5 stored the ending as well
  sql: { key: withoutEndingSql('name') },
  read: readNames,
}
