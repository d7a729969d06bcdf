// What sessions say in `application_name`: an app what it was built with, so that a migrator sees who still runs; a migrator
// that it is one, so that its changes of the ledger are told from others.

import { createHash } from 'node:crypto'
import type { Manifest } from './manifest.ts'

// Postgres cuts names longer than NAMEDATALEN - 1 bytes, and turns anything but printable ASCII into question marks:
// the hash is what counts, the name behind it is for people who read pg_stat_activity.
const MAX_BYTES = 63
const PREFIX = 'schemagate:'
const NO_MIGRATIONS = '(none)'

/** A LIKE pattern for the names of all gates' sessions. */
export const GATE_PATTERN = `${PREFIX}%`

/** How the name of every session of a migrator begins. */
export const migratorName = 'schemagate migrator'

/** The name of a gate whose app has ended its work: it answers nothing until the ledger permits it again. */
export const DRAINED = `${PREFIX}drained`

/** The name of a gate's second connection, the one that queries the ledger. It announces nothing. */
export const LOOKING = `${PREFIX}looking`

/** What a session's `application_name` says about its app. */
export interface Announcement {
  /** 12 hex digits of the sha256 of the head's name; compare with `headHash` of the names you know. */
  readonly hash: string
  /** The head's name, which may be cut or have question marks: for people only. */
  readonly head: string
}

/** The `application_name` for an app with this manifest. At most 63 bytes of printable ASCII. */
export function announce(manifest: Manifest): string {
  const head = (manifest.head ?? NO_MIGRATIONS).replace(/[^\x20-\x7e]/g, '?')
  return `${PREFIX}${headHash(manifest.head)}:${head}`.slice(0, MAX_BYTES)
}

/** Reads an announcement; undefined for any other name, and for `DRAINED` and `LOOKING`. */
export function parseAnnouncement(applicationName: string): Announcement | undefined {
  const match =
    applicationName.startsWith(PREFIX) && /^([0-9a-f]{12}):(.*)$/s.exec(applicationName.slice(PREFIX.length))
  return !match ? undefined : { hash: match[1]!, head: match[2]! }
}

/** The hash that stands for a head's name in an announcement. */
export function headHash(head: string | null): string {
  return createHash('sha256')
    .update(head ?? NO_MIGRATIONS)
    .digest('hex')
    .slice(0, 12)
}
