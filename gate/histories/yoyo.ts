// yoyo's history: `_yoyo_migration`, one row for each file, SQL or Python, and a lock beside it.

import { quoteIdent } from '../postgres/quote.ts'
import type { HistoryTool } from './history.ts'
import { readNames, withoutEndingSql } from './names.ts'

export const yoyo: HistoryTool = {
  name: 'yoyo',
  title: 'yoyo',
  tables: ['_yoyo_migration'],
  columns: { migration_hash: 'text', migration_id: 'text', applied_at_utc: 'time' },
  distinctive: true,
  beside: () => ['_yoyo_log', '_yoyo_version', 'yoyo_lock'],
  fields: { name: 'migration_id', appliedAt: 'applied_at_utc' },
  order: 't.applied_at_utc, t.migration_id',
  chronological: true,
  running: ({ schema, beside }) =>
    beside.has('yoyo_lock') ? `exists (select from ${quoteIdent(schema)}.yoyo_lock)` : undefined,
  atWork: 'yoyo_lock has a row; if no run is under way: yoyo break-lock',
  sql: { key: withoutEndingSql('migration_id') },
  read: readNames,
}
