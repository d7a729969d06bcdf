// EF Core's history: `__EFMigrationsHistory`, one row for each migration.

import { eachApplied, type HistoryTool } from './history.ts'

export const efCore: HistoryTool = {
  name: 'ef-core',
  title: 'EF Core',
  tables: ['__EFMigrationsHistory'],
  columns: { MigrationId: 'text', ProductVersion: 'text' },
  distinctive: true,
  code: true,
  fields: { name: '"MigrationId"' },
  order: 't."MigrationId"',
  sql: { key: '"MigrationId"' },
  read: rows => ({
    entries: eachApplied(rows, ({ name }) => (name ? { key: name, name } : undefined)),
    unfinished: [],
  }),
}

/** As the package EFCore.NamingConventions has it. */
export const efCoreSnakeCase: HistoryTool = {
  ...efCore,
  columns: { migration_id: 'text', product_version: 'text' },
  fields: { name: 'migration_id' },
  order: 't.migration_id',
  sql: { key: 'migration_id' },
}
