// The ledger as both sides know it: its tables by name, what an app may read, and what a gate reads of a row.

import { quoteIdent } from '../postgres/quote.ts'

/** The tables that an app's role may read. */
export const readableTables = ['ledger', 'manifest', 'ledger_version', 'schemagate_followed'] as const

/** The table of applied migrations, with its schema, quoted. */
export function ledgerTable(schema: string): string {
  return `${quoteIdent(schema)}.ledger`
}

/** The table with the manifest of the last successful run, with its schema, quoted. */
export function manifestTable(schema: string): string {
  return `${quoteIdent(schema)}.manifest`
}

/** What a gate reads of a row. Rows come in the order applied. */
export interface LedgerRow {
  /** The migration's. */
  readonly name: string
  /** As in {@link ManifestEntry}: of the file as it was applied. */
  readonly checksum: string
  /** `baseline`: recorded as applied, and not run. */
  readonly kind: 'sql' | 'code' | 'repeatable' | 'baseline'
  /** Applications that do not know this migration must not run on it. */
  readonly breaking: boolean
  /** `running`: begun, or announced to the apps that it breaks; it may be half applied. */
  readonly state: 'applied' | 'running'
  /** Checksums that a repeatable migration had before, from `journal->'earlier'`. */
  readonly earlier?: readonly string[] | null
}

/** The columns that are so named in the table; `earlier` is a part of `journal`. */
export const ledgerColumns = [
  'name',
  'checksum',
  'kind',
  'breaking',
  'state',
] as const satisfies readonly (keyof LedgerRow)[]
