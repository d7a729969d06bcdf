// MikroORM's history: `mikro_orm_migrations`, one row for each module.

import { eachApplied, type HistoryTool, present } from './history.ts'
import { withoutEnding, withoutEndingSql } from './names.ts'

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
  read: rows => ({
    entries: eachApplied(rows, row =>
      row.name ? { key: withoutEnding(row.name), name: row.name, ...present(row, ['appliedAt']) } : undefined,
    ),
    unfinished: [],
  }),
}
