// Drizzle's history: `drizzle.__drizzle_migrations`, one row for each entry of the journal.

import { eachApplied, type HistoryTool, numberKey } from './history.ts'

/** From 1.0 on rows have names, which its upgrade gives to older ones as well: perhaps while a gate is looking. */
const nameSql = "pg_catalog.to_jsonb(t) ->>'name'::text"

export const drizzle: HistoryTool = {
  name: 'drizzle',
  title: 'Drizzle',
  tables: ['__drizzle_migrations'],
  columns: { hash: 'text', created_at: 'number' },
  ownName: true,
  fields: { checksum: 'hash', createdAt: 'created_at', name: nameSql },
  order: 't.created_at, t.id',
  sql: { key: `coalesce(${nameSql}, created_at::text)` },
  read: rows => ({
    // created_at is the `when` of the journal's entry, in milliseconds, and no time of day at which it was applied
    entries: eachApplied(rows, ({ createdAt, checksum, name }) => {
      const key = name ?? numberKey(createdAt)
      return key === undefined ? undefined : { key, name: key, ...(checksum && { checksum }) }
    }),
    unfinished: [],
  }),
}
