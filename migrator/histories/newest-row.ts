// The row of tools that keep the newest number alone.

import type { HistoryTable } from '../../gate/histories/history.ts'
import { quotedTable } from '../../gate/histories/index.ts'
import { insert } from './tool.ts'

/** Sets the number, unless it is higher: a migration that is applied late is not the newest. */
export function raise(table: HistoryTable, key: string, others: Readonly<Record<string, string>> = {}): string {
  const t = quotedTable(table)
  return (
    `do $history$ begin if exists (select from ${t}) then update ${t} set version = greatest(version, ${key}); ` +
    `else ${insert(table, { version: key, ...others })} end if; end $history$;`
  )
}

/**
 * Sets the number to that of the migration before; with none, `empty` or no row at all. Only where it is this migration's: one
 * that was applied late is taken back from below the newest.
 */
export function lower(table: HistoryTable, key: string, before: string | undefined, empty?: string): string {
  const to = before ?? empty
  const row = `where version = ${key}`
  return to === undefined
    ? `delete from ${quotedTable(table)} ${row};`
    : `update ${quotedTable(table)} set version = ${to} ${row};`
}
