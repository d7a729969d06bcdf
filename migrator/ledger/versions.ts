// The versions of the ledger's own schema: an ordered list of steps, each taken once, in one transaction under the run lock.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { adoptionTable, baseTables, type LedgerTable, runsTables } from './table.ts'

/**
 * One version of the ledger's schema. A new one is an entry at the end of {@link ledgerVersions}; one that was released is
 * never changed. Rules for `sql`:
 *
 * - Older gates, apps and `require()` go on reading beside it: the columns of `ledger` and `manifest` keep name and meaning.
 * - It takes no ACCESS EXCLUSIVE lock on `ledger`: an open gate of any release holds that table in ACCESS SHARE mode, and
 *   closes for a session that waits for more. So no ALTER TABLE there: what else a migration needs stands in its row's
 *   `journal`, or in a table of its own.
 * - It may be run twice: behind a pooler two migrators can come to it one after the other.
 */
export interface LedgerVersion {
  readonly version: number
  /** What it brings, for the log. */
  readonly what: string
  /** The tables that it makes. */
  readonly tables: readonly LedgerTable[]
  sql(schema: string): string
}

export const ledgerVersions: readonly LedgerVersion[] = [
  { version: 1, what: 'ledger and manifest', tables: ['ledger', 'manifest'], sql: baseTables },
  { version: 2, what: 'runs', tables: ['runs', 'ledger_version'], sql: runsTables },
  { version: 3, what: 'adoption', tables: ['adoption'], sql: adoptionTable },
]

/** The version of a ledger that has no table `ledger_version`: release 0.1 made it. */
export const firstVersion = 1

/** What this release makes, and the newest that it understands. */
export const currentVersion = ledgerVersions.at(-1)!.version

/** The newest version, up to `recorded`, of which no table is gone: what comes behind it is taken again. */
export function versionWith(tables: ReadonlyMap<LedgerTable, unknown>, recorded: number): number {
  const lacking = ledgerVersions.find(step => step.version <= recorded && !step.tables.every(name => tables.has(name)))
  return lacking ? lacking.version - 1 : recorded
}

/** The steps that take a ledger from version `from`, 0 for none at all, to the current one. */
export function stepsFrom(from: number): readonly LedgerVersion[] {
  return ledgerVersions.filter(({ version }) => version > from)
}

/** The statements of those steps, and the rows that say that they were taken. Empty if there is no such step. */
export function ledgerDdl(
  schema: string,
  from = 0,
  by = { runId: '00000000-0000-0000-0000-000000000000', toolVersion: '' },
): string {
  const steps = stepsFrom(from)
  if (steps.length === 0) return ''
  const rows = steps.map(({ version }) => `(${version}, ${quoteLiteral(by.runId)}, ${quoteLiteral(by.toolVersion)})`)
  return `${steps.map(({ sql }) => sql(schema)).join('\n')}
insert into ${quoteIdent(schema)}.ledger_version (version, run_id, tool_version) values ${rows.join(', ')} on conflict (version) do nothing;`
}
