// Atlas' history: `atlas_schema_revisions`, one row for each file, with how many of its statements are done.

import { type HistoryEntry, type HistoryTool, present, type Unfinished } from './history.ts'

/** https://github.com/ariga/atlas, sql/migrate: bits of a revision's type. */
const baselineBit = 1
const resolvedBit = 4

export const atlas: HistoryTool = {
  name: 'atlas',
  title: 'Atlas',
  tables: ['atlas_schema_revisions'],
  columns: { version: 'text', type: 'number', applied: 'number', total: 'number', hash: 'text' },
  distinctive: true,
  fields: {
    version: 'version',
    type: 'type',
    applied: 'applied',
    total: 'total',
    error: 'error',
    checksum: 'hash',
    appliedAt: 'executed_at',
  },
  order: 't.executed_at, t.version',
  sql: {
    key: 'version',
    state: `case when version like '.%' then null when type & ${baselineBit} <> 0 then 'up-to'
      when type & ${resolvedBit} <> 0 or applied = total and coalesce(error, '') = '' then 'applied' else 'unfinished' end`,
  },
  read(rows) {
    const entries: HistoryEntry[] = []
    const unfinished: Unfinished[] = []
    let upTo: string | undefined
    for (const row of rows) {
      const { version } = row
      // its own row, by which the cloud knows the database
      if (!version || version.startsWith('.')) continue
      const isBaseline = (Number(row.type) & baselineBit) !== 0
      // `atlas migrate set` on one that had stopped: how far it had come stays in the row
      const isResolved = (Number(row.type) & resolvedBit) !== 0
      if (isBaseline) upTo = version
      if (!isBaseline && !isResolved && (row.applied !== row.total || row.error))
        unfinished.push({
          key: version,
          name: version,
          message: `Atlas stopped in ${version} after ${row.applied} of ${row.total} statements. Correct the file and finish it with Atlas: atlas migrate apply; or, if all of it is there: atlas migrate set ${version}.`,
        })
      // of a baseline it has seen no file
      else
        entries.push({
          key: version,
          name: version,
          ...present(row, isBaseline ? ['appliedAt'] : ['appliedAt', 'checksum']),
        })
    }
    return { entries, unfinished, ...(upTo !== undefined && { upTo }) }
  },
}
