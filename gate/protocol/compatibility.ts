// Compatibility: may an app with this manifest run on a database with this ledger? A pure function of the two.

import type { LedgerRow } from './ledger.ts'
import type { LedgerManifest, ManifestEntry } from './manifest.ts'

/**
 * What the comparison can give.
 * - `open`: the database has the schema that the app was built for.
 * - `unmigrated`: it has no ledger, an empty one, or one whose migrations' tables are gone.
 * - `foreign`: nothing is applied by the ledger, and another tool has migrated the database.
 * - `behind`: it lacks migrations of the app's.
 * - `diverged`: it has applied a migration of the app's with other content: another history.
 * - `too-old`: it has a breaking migration that the app does not know.
 * - `migrating`: a migration of the app's is half-way, or the ledger itself is being changed.
 *
 * A gate has one more state, `unreachable`.
 */
export type CompatibilityState = 'open' | 'unmigrated' | 'foreign' | 'behind' | 'diverged' | 'too-old' | 'migrating'

/** What comparing an app with a database has given. */
export interface Verdict {
  /** In one word. */
  readonly state: CompatibilityState
  /** One sentence for people: what is wrong, with names, and what helps. */
  readonly detail: string
  /** `behind`: the app's migrations that the database has not applied, oldest first. */
  readonly missing?: readonly string[]
  /** `diverged`, `too-old`, `migrating`: the migrations that are the reason. */
  readonly migrations?: readonly string[]
  /** `too-old`: those migrations are still under way, and may yet be taken back. */
  readonly unfinished?: true
}

/**
 * Open when the database has applied every migration of the manifest with the same content, and no migration marked
 * breaking that the manifest does not know. `rows` is null when the database has no ledger.
 *
 * When several things are wrong, those that running the migrator does not mend come first: `diverged`, `too-old`,
 * `migrating`, `behind`.
 */
export function judge(manifest: LedgerManifest, rows: readonly LedgerRow[] | null): Verdict {
  if (rows === null)
    return { state: 'unmigrated', detail: 'The database has no ledger: run the migrator (schemagate up).' }

  const ledger = new Map(rows.map(row => [row.name, row]))
  const diverged: string[] = []
  const migrating: string[] = []
  const missing: string[] = []
  for (const entry of manifest.migrations) {
    const row = ledger.get(entry.name)
    if (row === undefined) missing.push(entry.name)
    else if (!sameContent(entry, row)) (entry.kind === 'repeatable' ? missing : diverged).push(entry.name)
    else if (row.state === 'running') migrating.push(entry.name)
  }
  if (diverged.length > 0) {
    const detail = `The database has applied ${list(diverged)} with other content than this app was built with: another history.`
    return { state: 'diverged', detail, migrations: diverged }
  }
  const unknown = unknownBreaking(manifest, rows)
  if (unknown.length > 0) {
    const names = unknown.map(row => row.name)
    const unfinished = unknown.every(row => row.state === 'running')
    const detail = unfinished
      ? `${list(names)} is being applied, which breaks apps that do not know it: if it succeeds this app is too old, start a newer one.`
      : `The database has ${list(names)}, which breaks apps that do not know it: this app is too old, start a newer one.`
    return { state: 'too-old', detail, migrations: names, ...(unfinished && { unfinished }) }
  }
  if (migrating.length > 0) {
    const detail = `${list(migrating)} is running, or was interrupted: the next run of the migrator finishes it.`
    return { state: 'migrating', detail, migrations: migrating }
  }
  if (missing.length > 0) {
    const detail =
      rows.length === 0
        ? 'The database has an empty ledger: run the migrator (schemagate up).'
        : `The database lacks ${list(missing)}: run the migrator that was built with this app (schemagate up).`
    return { state: rows.length === 0 ? 'unmigrated' : 'behind', detail, missing }
  }
  return { state: 'open', detail: 'The database has the schema that this app was built for.' }
}

// A repeatable migration may have moved on: what the app was built with is then among the earlier contents.
function sameContent(entry: ManifestEntry, row: LedgerRow): boolean {
  if (entry.checksum === row.checksum) return true
  return entry.kind === 'repeatable' && (row.earlier ?? []).includes(entry.checksum)
}

// `running` counts as well: it is half applied, or the migrator waits for older apps to disconnect.
// A repeatable migration is known by its content, so one marked breaking that moved on is unknown to older apps.
function unknownBreaking(manifest: LedgerManifest, rows: readonly LedgerRow[]): LedgerRow[] {
  const known = new Map(manifest.migrations.map(entry => [entry.name, entry]))
  return rows.filter(row => {
    if (!row.breaking) return false
    const entry = known.get(row.name)
    if (entry === undefined) return true
    return entry.kind === 'repeatable' && entry.checksum !== row.checksum && sameContent(entry, row)
  })
}

/** Names in a sentence: the first three, or two and how many more. */
export function list(names: readonly string[]): string {
  const [first, second, third] = names
  if (names.length > 3) return `${first}, ${second} and ${names.length - 2} more`
  if (third !== undefined) return `${first}, ${second} and ${third}`
  return second === undefined ? `${first}` : `${first} and ${second}`
}
