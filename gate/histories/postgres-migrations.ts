// postgres-migrations' history: `migrations`, one row for each file and one for the table itself.

import { eachApplied, type HistoryTool, numberKey, present } from './history.ts'

export const postgresMigrations: HistoryTool = {
  name: 'postgres-migrations',
  title: 'postgres-migrations',
  tables: ['migrations'],
  columns: { id: 'number', name: 'text', hash: 'text', executed_at: 'time' },
  fields: { id: 'id', name: 'name', checksum: 'hash', appliedAt: 'executed_at' },
  order: 't.id',
  sql: { key: 'id::text', state: "case when id > 0 then 'applied' end" },
  read: rows => ({
    entries: eachApplied(rows, row => {
      const key = numberKey(row.id)
      return key === undefined || key === '0'
        ? undefined
        : { key, name: `${row.id}_${row.name}`, ...present(row, ['appliedAt', 'checksum']) }
    }),
    unfinished: [],
  }),
}
