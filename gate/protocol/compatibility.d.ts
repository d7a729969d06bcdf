import type { Manifest } from './manifest.ts'
/** What the gate reads of a ledger row. Rows come in the order applied. */
export interface LedgerRow {
  readonly name: string
  readonly checksum: string
  readonly kind: 'sql' | 'code' | 'repeatable' | 'baseline'
  readonly breaking: boolean
  readonly state: 'applied' | 'running'
  /** Checksums that a repeatable migration had before, from `journal->'earlier'`. */
  readonly earlier?: readonly string[] | null
}
/** What the window says. A gate knows one state more, `unreachable`. */
export type WindowState = 'open' | 'unmigrated' | 'behind' | 'diverged' | 'too-old' | 'migrating'
export interface Verdict {
  readonly state: WindowState
  /** One sentence for people: what is wrong, with names, and what helps. */
  readonly detail: string
  /** `behind`: the app's migrations that the database has not applied, oldest first. */
  readonly missing?: readonly string[]
  /** `diverged`, `too-old`, `migrating`: the migrations that are the reason. */
  readonly migrations?: readonly string[]
}
/**
 * Open when the database has applied every migration of the manifest with the same content, and no migration marked
 * breaking that the manifest does not know. `rows` is null when the database has no ledger.
 *
 * When several things are wrong, the one that running the migrator does not cure is told first: `diverged`, `too-old`,
 * `migrating`, `behind`.
 */
export declare function judge(manifest: Manifest, rows: readonly LedgerRow[] | null): Verdict
