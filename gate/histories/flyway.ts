// Flyway's history: `flyway_schema_history`, one row for each run of a migration.

import {
  type HistoryEntry,
  type HistoryRow,
  type HistoryTool,
  present,
  type Unfinished,
  versionKey,
  versionSql,
} from './history.ts'

/** https://github.com/flyway/flyway, CoreMigrationType: types of rows by which a migration is no longer applied. */
const undone = ['UNDO_SQL', 'UNDO_SCRIPT', 'UNDO_JDBC', 'UNDO_SPRING_JDBC', 'UNDO_CUSTOM']
const deleted = 'DELETE'
/** BaselineMigrationType: of a file or a class, by whose row all up to its version is there; the older names are read, too. */
const baselineFiles = ['SQL_BASELINE', 'JDBC_BASELINE', 'SQL_STATE_SCRIPT', 'JDBC_STATE_SCRIPT']
/** It is written without running a file. */
const unseen = 'BASELINE'
const baselines = [unseen, ...baselineFiles]

export const flyway: HistoryTool = {
  name: 'flyway',
  title: 'Flyway',
  // the older name, until release 5
  tables: ['flyway_schema_history', 'schema_version'],
  columns: { installed_rank: 'number', version: 'text', script: 'text', checksum: 'number', success: 'boolean' },
  distinctive: true,
  // schemas as `flyway snapshot` keeps them
  beside: () => ['flyway_snapshot_history'],
  fields: {
    version: 'version',
    description: 'description',
    type: 'type',
    script: 'script',
    checksum: 'checksum',
    appliedBy: 'installed_by',
    appliedAt: 'installed_on',
    success: 'success',
  },
  order: 't.installed_rank',
  chronological: true,
  sql: {
    key: `case when version is null then 'R__' || coalesce(description, script) else ${versionSql('version')} end`,
    state: `case when type in ('SCHEMA', '${deleted}') then null when type in (${list(baselines)}) and success then 'up-to'
      when type = '${unseen}' then null when not success then 'unfinished'
      when type in (${list(undone)}) then null else 'applied' end`,
    newestOfKey: true,
  },
  read(rows) {
    // out-of-order runs exist: what counts of a version is its newest row
    const newest = new Map<string, HistoryRow>()
    let upTo: string | undefined
    for (const row of rows) {
      if (row.type === 'SCHEMA') continue
      if (baselines.includes(row.type ?? '') && row.version && row.success === 'true') upTo = versionKey(row.version)
      const key = keyOf(row)
      newest.delete(key)
      newest.set(key, row)
    }
    const entries: HistoryEntry[] = []
    const unfinished: Unfinished[] = []
    for (const [key, row] of newest) {
      if (row.type === unseen || row.type === deleted) continue
      const name = row.version ?? row.script ?? ''
      if (row.success !== 'true')
        unfinished.push({
          key,
          name,
          message: `Flyway ran ${row.script ?? name} and it failed half-way. Put right what it left in the database, and take the row out: flyway repair.`,
        })
      else if (!undone.includes(row.type ?? ''))
        entries.push({
          key,
          name,
          ...present(row, ['appliedAt', 'appliedBy', 'checksum']),
          standsIn: baselineFiles.includes(row.type ?? ''),
          ...(row.version === null && { repeatable: true }),
        })
    }
    return { entries, unfinished, ...(upTo !== undefined && { upTo }) }
  },
}

function list(types: readonly string[]): string {
  return types.map(type => `'${type}'`).join(', ')
}

/** A repeatable migration has no version: it is known by its description. */
function keyOf({ version, description, script }: HistoryRow): string {
  return version ? versionKey(version) : `R__${description ?? script ?? ''}`
}
