// sqlx's history: `_sqlx_migrations`, one row for each migration.

import { eachApplied, type HistoryTool, numberKey, present } from './history.ts'

export const sqlx: HistoryTool = {
  name: 'sqlx',
  title: 'sqlx',
  tables: ['_sqlx_migrations'],
  columns: { version: 'number', success: 'boolean', checksum: 'bytes' },
  distinctive: true,
  fields: {
    version: 'version',
    description: 'description',
    success: 'success',
    checksum: "pg_catalog.encode(checksum, 'hex')",
    appliedAt: 'installed_on',
  },
  order: 't.installed_on, t.version',
  chronological: true,
  sql: { key: 'version::text', state: "case when success then 'applied' else 'unfinished' end" },
  read: rows => ({
    entries: eachApplied(rows, row => {
      const key = numberKey(row.version)
      return key !== undefined && row.success === 'true'
        ? { key, name: key, ...present(row, ['appliedAt', 'checksum']) }
        : undefined
    }),
    unfinished: rows
      .filter(({ success }) => success !== 'true')
      .map(({ version, description }) => ({
        key: numberKey(version) ?? '',
        name: version ?? '',
        message: `sqlx failed half-way in ${version} (${description}). Put right what it left in the database, and delete its row from _sqlx_migrations, or set success to true if all of it is there.`,
      })),
  }),
}
