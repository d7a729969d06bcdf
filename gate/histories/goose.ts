// goose's history: `goose_db_version`, one row for each run, and in newer releases a lock beside it.

import { quoteIdent } from '../postgres/quote.ts'
import { type HistoryEntry, type HistoryTool, numberKey, present } from './history.ts'

export const goose: HistoryTool = {
  name: 'goose',
  title: 'goose',
  tables: ['goose_db_version'],
  columns: { id: 'number', version_id: 'number', is_applied: 'boolean' },
  distinctive: true,
  beside: () => ['goose_lock'],
  fields: { version: 'version_id', applied: 'is_applied', appliedAt: 'tstamp' },
  order: 't.id',
  chronological: true,
  // lock/internal/store/postgres.go: a lease, which its holder renews
  running: ({ schema, beside }) =>
    beside.has('goose_lock')
      ? `exists (select from ${quoteIdent(schema)}.goose_lock where locked and lease_expires_at > pg_catalog.clock_timestamp())`
      : undefined,
  atWork: 'its lock in goose_lock is held; if no run is under way, its lease ends by itself',
  sql: {
    key: 'version_id::text',
    state: "case when version_id > 0 and is_applied then 'applied' end",
    newestOfKey: true,
  },
  read(rows) {
    const entries = new Map<string, HistoryEntry>()
    for (const row of rows) {
      const key = numberKey(row.version)
      // its own first row
      if (key === undefined || key === '0') continue
      // older releases wrote a row for a `down`, newer ones take the row away
      entries.delete(key)
      if (row.applied === 'true') entries.set(key, { key, name: key, ...present(row, ['appliedAt']) })
    }
    return { entries: [...entries.values()], unfinished: [] }
  },
}
