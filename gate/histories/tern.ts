// tern's history: `schema_version`, one row with the newest number.

import { eachApplied, type HistoryTool, numberKey } from './history.ts'

export const tern: HistoryTool = {
  name: 'tern',
  title: 'tern',
  tables: ['schema_version'],
  columns: { version: 'number' },
  noOthers: true,
  fields: { version: 'version' },
  order: 't.version',
  sql: {
    key: 'version::text',
    state: "case when version > 0 then case when count(*) over () > 1 then 'applied' else 'up-to' end end",
  },
  read(rows) {
    const entries = eachApplied(rows, ({ version }) => {
      const key = numberKey(version)
      return key === undefined || key === '0' ? undefined : { key, name: key }
    })
    // a table of an app's own keeps a row for each, which says nothing of others
    const upTo = rows.length === 1 ? entries[0]?.key : undefined
    return { entries, unfinished: [], ...(upTo !== undefined && { upTo }) }
  },
}
