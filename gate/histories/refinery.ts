// refinery's history: `refinery_schema_history`, one row for each number.

import { eachApplied, type HistoryTool, numberKey, present } from './history.ts'

export const refinery: HistoryTool = {
  name: 'refinery',
  title: 'refinery',
  tables: ['refinery_schema_history'],
  columns: { version: 'number', name: 'text', applied_on: 'text', checksum: 'text' },
  distinctive: true,
  fields: { version: 'version', name: 'name', appliedAt: 'applied_on' },
  order: 't.version',
  sql: { key: 'version::text' },
  read: rows => ({
    entries: eachApplied(rows, row => {
      const key = numberKey(row.version)
      return key === undefined
        ? undefined
        : { key, name: row.name ? `V${key}__${row.name}` : key, ...present(row, ['appliedAt']) }
    }),
    unfinished: [],
  }),
}
