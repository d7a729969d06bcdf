// postgrator's history: `schemaversion`, one row for each version and one with 0.

import { eachApplied, type HistoryTool, numberKey, present } from './history.ts'

export const postgrator: HistoryTool = {
  name: 'postgrator',
  title: 'postgrator',
  tables: ['schemaversion'],
  columns: { version: 'number', name: 'text', md5: 'text', run_at: 'time' },
  distinctive: true,
  fields: { version: 'version', name: 'name', checksum: 'md5', appliedAt: 'run_at' },
  order: 't.version',
  sql: { key: 'version::text', state: "case when version > 0 then 'applied' end" },
  read: rows => ({
    entries: eachApplied(rows, row => {
      const key = numberKey(row.version)
      return key === undefined || key === '0'
        ? undefined
        : { key, name: row.name ? `${key}.${row.name}` : key, ...present(row, ['appliedAt', 'checksum']) }
    }),
    unfinished: [],
  }),
}
