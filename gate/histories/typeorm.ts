// TypeORM's history: `migrations`, one row for each class.

import { eachApplied, type HistoryTool, numberKey } from './history.ts'

export const typeorm: HistoryTool = {
  name: 'typeorm',
  title: 'TypeORM',
  tables: ['migrations'],
  columns: { id: 'number', timestamp: 'number', name: 'text' },
  code: true,
  fields: { name: 'name', timestamp: 'timestamp' },
  order: 't.id',
  chronological: true,
  sql: { key: 'timestamp::text' },
  read: rows => ({
    // the class may have any name: the timestamp at its end is what the tool sorts by
    entries: eachApplied(rows, ({ name, timestamp }) => {
      const key = numberKey(timestamp)
      return key === undefined ? undefined : { key, name: name ?? key }
    }),
    unfinished: [],
  }),
}
