// morph's history: `db_migrations`, one row for each number.

import { eachApplied, type HistoryTool, numberKey } from './history.ts'

export const morph: HistoryTool = {
  name: 'morph',
  title: 'morph',
  tables: ['db_migrations'],
  columns: { version: 'number', name: 'text' },
  ownName: true,
  beside: () => ['db_lock'],
  fields: { version: 'version', name: 'name' },
  order: 't.version',
  sql: { key: 'version::text' },
  read: rows => ({
    entries: eachApplied(rows, ({ version, name }) => {
      const key = numberKey(version)
      return key === undefined ? undefined : { key, name: name ? `${key}_${name}` : key }
    }),
    unfinished: [],
  }),
}
