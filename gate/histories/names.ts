// Names of files as histories store them.

import { eachApplied, type HistoryRow, present, type Told } from './history.ts'

const endings = '(?:sql|[cm]?[jt]s|coffee|php|exs?|rb|py)$'
const ending = new RegExp(`[.]${endings}`)

/** A file's name without its ending, however the history stores it: `20240101_users.js`, `20240101_users.cjs`. */
export function withoutEnding(name: string): string {
  return name.replace(ending, '')
}

/** The same in SQL. */
export function withoutEndingSql(column: string): string {
  return `regexp_replace(${column}, '[.]${endings}', '')`
}

/** What a history says that has a row for each file, with its name. */
export function readNames(rows: readonly HistoryRow[]): Told {
  const entries = eachApplied(rows, row =>
    row.name ? { key: withoutEnding(row.name), name: row.name, ...present(row, ['appliedAt']) } : undefined,
  )
  return { entries, unfinished: [] }
}

/** The same of a history whose names have folders before them: `database/migrations/20240101_users`. */
export function readPaths(rows: readonly HistoryRow[]): Told {
  const entries = eachApplied(rows, row =>
    row.name
      ? { key: withoutEnding(row.name.replace(/^.*\//, '')), name: row.name, ...present(row, ['appliedAt']) }
      : undefined,
  )
  return { entries, unfinished: [] }
}

/** The key of such a row in SQL. */
export function pathKeySql(column: string): string {
  return withoutEndingSql(`regexp_replace(${column}, '^.*/', '')`)
}
