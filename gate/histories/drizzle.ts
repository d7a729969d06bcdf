// Drizzle's history: `drizzle.__drizzle_migrations`, one row for each entry of the journal.

import { eachApplied, type HistoryTool, numberKey } from './history.ts'

export const drizzle: HistoryTool = {
  name: 'drizzle',
  title: 'Drizzle',
  tables: ['__drizzle_migrations'],
  columns: { hash: 'text', created_at: 'number' },
  ownName: true,
  // from 1.0 on the rows have names
  fields: { checksum: 'hash', createdAt: 'created_at', name: 'name' },
  newer: ['name'],
  order: 'created_at, id',
  sql: { key: 'created_at::text' },
  read: rows => ({
    // created_at is the `when` of the journal's entry, in milliseconds, and no time of day at which it was applied
    entries: eachApplied(rows, ({ createdAt, checksum, name }) => {
      const key = numberKey(createdAt)
      return key === undefined ? undefined : { key, name: name ?? key, ...(checksum && { checksum }) }
    }),
    unfinished: [],
  }),
}
