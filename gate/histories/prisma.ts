// Prisma's history: `_prisma_migrations`, one row for each try of a migration.

import { eachApplied, type HistoryTool, present } from './history.ts'

export const prisma: HistoryTool = {
  name: 'prisma',
  title: 'Prisma',
  tables: ['_prisma_migrations'],
  columns: { checksum: 'text', migration_name: 'text', finished_at: 'time', rolled_back_at: 'time' },
  distinctive: true,
  fields: {
    name: 'migration_name',
    checksum: 'checksum',
    appliedAt: 'finished_at',
    rolledBackAt: 'rolled_back_at',
  },
  order: 't.started_at, t.migration_name',
  chronological: true,
  sql: {
    key: 'migration_name',
    state: `case when rolled_back_at is not null then null when finished_at is null then 'unfinished' else 'applied' end`,
  },
  read(rows) {
    const applied = eachApplied(rows, row =>
      row.appliedAt && !row.rolledBackAt && row.name
        ? { key: row.name, name: row.name, ...present(row, ['appliedAt', 'checksum']) }
        : undefined,
    )
    return {
      // a name may have several rows, of which the last counts
      entries: [...new Map(applied.map(entry => [entry.key, entry])).values()],
      unfinished: rows
        .filter(row => !row.appliedAt && !row.rolledBackAt)
        .map(({ name }) => ({
          key: name ?? '',
          name: name ?? '',
          message: `Prisma began ${name} and did not finish it (P3009). Put right what it left in the database, then: prisma migrate resolve --rolled-back ${name}, or --applied ${name}.`,
        })),
    }
  },
}
