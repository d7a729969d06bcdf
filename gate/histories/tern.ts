// tern's history: `schema_version`, one row with the newest number.

import { type HistoryTool, numberKey } from './history.ts'

export const tern: HistoryTool = {
  name: 'tern',
  title: 'tern',
  tables: ['schema_version'],
  columns: { version: 'number' },
  fields: { version: 'version' },
  order: 't.version',
  sql: { key: 'version::text', state: "case when version > 0 then 'up-to' end" },
  read(rows) {
    const key = numberKey(rows.at(-1)?.version)
    return key === undefined || key === '0'
      ? { entries: [], unfinished: [] }
      : { entries: [{ key, name: key }], upTo: key, unfinished: [] }
  },
}
