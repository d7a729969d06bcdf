// Django's history: `django_migrations`, one row for each migration of each app.

import { eachApplied, type HistoryTool, present } from './history.ts'

export const django: HistoryTool = {
  name: 'django',
  title: 'Django',
  tables: ['django_migrations'],
  columns: { app: 'text', name: 'text', applied: 'time' },
  ownName: true,
  code: true,
  byApp: true,
  fields: { app: 'app', name: 'name', appliedAt: 'applied' },
  order: 't.id',
  chronological: true,
  sql: { key: "app || '.' || name" },
  read: rows => ({
    entries: eachApplied(rows, row => {
      const key = `${row.app}.${row.name}`
      return row.app && row.name ? { key, name: key, ...present(row, ['appliedAt']) } : undefined
    }),
    unfinished: [],
  }),
}
