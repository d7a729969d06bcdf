// Migrations that stand in for older ones: Flyway's baselines, Atlas' checkpoints. Run on an empty ledger, passed over on any other.

import type { Migration } from '../files/migration.ts'
import type { LedgerRow } from './read.ts'

/**
 * In the order in which they are run: the one that stands in on an empty ledger comes first. Either it or those that it
 * stands in for are run; the others are recorded all the same, so that files and ledger are compared as ever.
 * @param pending what has no row, or not the row that it should have, in the folder's order.
 */
export function withStandIns(
  files: readonly Migration[],
  pending: readonly Migration[],
  rowOf: ReadonlyMap<string, LedgerRow>,
): { readonly pending: readonly Migration[]; readonly recordOnly: ReadonlySet<string> } {
  const standIns = files.filter(file => file.standsIn)
  if (standIns.length === 0) return { pending, recordOnly: new Set() }
  const run = rowOf.size === 0 ? standIns.at(-1) : wasRun(files, rowOf)
  const replaced = run ? olderThan(run, files) : []
  const others = standIns.filter(file => file !== run)
  const names = [...replaced, ...others].map(({ name }) => name).filter(name => !rowOf.has(name))
  return {
    pending: [...pending.filter(file => file === run), ...pending.filter(file => file !== run)],
    recordOnly: new Set(names),
  }
}

/** It stands in for others, and was recorded because the database had those. */
export function isPassedOver(file: Migration, rowOf: ReadonlyMap<string, LedgerRow>): boolean {
  return file.standsIn === true && rowOf.get(file.name)?.kind === 'baseline'
}

/** Names of migrations that were recorded without being run because of a stand-in: they have no way back of their own. */
export function recordedOnly(files: readonly Migration[], rows: readonly LedgerRow[]): ReadonlySet<string> {
  const rowOf = new Map(rows.map(row => [row.name, row]))
  const run = wasRun(files, rowOf)
  const names = [...(run ? olderThan(run, files) : []), ...files.filter(file => file.standsIn)].map(({ name }) => name)
  return new Set(names.filter(name => rowOf.get(name)?.kind === 'baseline'))
}

function wasRun(files: readonly Migration[], rowOf: ReadonlyMap<string, LedgerRow>): Migration | undefined {
  return files.findLast(file => file.standsIn && rowOf.has(file.name) && !isPassedOver(file, rowOf))
}

function olderThan(standIn: Migration, files: readonly Migration[]): Migration[] {
  return files.slice(0, files.indexOf(standIn)).filter(file => file.kind !== 'repeatable')
}
