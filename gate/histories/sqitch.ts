// Sqitch's history: `changes`, in a schema of its own as a rule, one row for each change that is deployed.

import { eachApplied, type HistoryTool, present } from './history.ts'

export const sqitch: HistoryTool = {
  name: 'sqitch',
  title: 'Sqitch',
  tables: ['changes'],
  // `events` beside it has all but the hash
  columns: { change_id: 'text', script_hash: 'text', change: 'text', project: 'text', planned_at: 'time' },
  distinctive: true,
  beside: () => ['dependencies', 'events', 'projects', 'releases', 'tags'],
  unread: 'The order of its scripts is in sqitch.plan, which schemagate does not read.',
  fields: { name: 'change', appliedAt: 'committed_at' },
  order: 't.committed_at, t.change_id',
  chronological: true,
  sql: { key: 'change' },
  read: rows => ({
    entries: eachApplied(rows, row =>
      row.name ? { key: row.name, name: row.name, ...present(row, ['appliedAt']) } : undefined,
    ),
    unfinished: [],
  }),
}
