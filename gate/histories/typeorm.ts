// TypeORM's history: `migrations`, one row for each class.

import { eachApplied, type HistoryTool } from './history.ts'

/** The tool knows a migration by its name alone; the time at the name's end, before it in the key, is what it sorts by. */
export function typeormKey(name: string): string {
  return `${timeIn(name)}.${name}`
}

/** parseInt of the last 13 characters. */
function timeIn(name: string): string {
  return /^\d+/.exec(name.slice(-13))?.[0] ?? ''
}

export const typeorm: HistoryTool = {
  name: 'typeorm',
  title: 'TypeORM',
  tables: ['migrations'],
  columns: { id: 'number', timestamp: 'number', name: 'text' },
  // expressions of views and generated columns
  beside: () => ['typeorm_metadata'],
  code: true,
  fields: { name: 'name' },
  order: 't.id',
  chronological: true,
  sql: { key: "coalesce(substring(right(name, 13) from '^[0-9]+'), '') || '.' || name" },
  read: rows => ({
    entries: eachApplied(rows, ({ name }) => (name ? { key: typeormKey(name), name } : undefined)),
    unfinished: [],
  }),
}
