// The announcement: an app says in `application_name` what it was built with, so that a migrator sees who still runs.

import { createHash } from 'node:crypto'
import type { Manifest } from './manifest.ts'

// Postgres cuts names longer than NAMEDATALEN - 1 bytes, and turns anything but printable ASCII into question marks:
// the hash is what counts, the name behind it is for people who read pg_stat_activity.
const MAX_BYTES = 63
const PREFIX = 'schemagate:'
const NO_MIGRATIONS = '(none)'

/** The name of a gate that has let go: its app answers nothing until the ledger permits it again. */
export const DRAINED = 'schemagate:drained'

/** The name of a gate's second connection, the one that looks at the ledger. It announces nothing. */
export const LOOKING = 'schemagate:looking'

/** What a session's `application_name` tells of the app that it belongs to. */
export interface Announcement {
  /** 12 hex digits of the sha256 of the head's name; compare with `headHash` of the names you know. */
  readonly hash: string
  /** The head's name, perhaps cut, perhaps with question marks: for people only. */
  readonly head: string
}

/** The `application_name` for an app with this manifest. At most 63 bytes of printable ASCII. */
export function announce(manifest: Manifest): string {
  const head = (manifest.head ?? NO_MIGRATIONS).replace(/[^\x20-\x7e]/g, '?')
  return `${PREFIX}${headHash(manifest.head)}:${head}`.slice(0, MAX_BYTES)
}

/** Reads an announcement; undefined for any other name, and for the names of gates that have let go or only look. */
export function parseAnnouncement(applicationName: string): Announcement | undefined {
  const match = /^schemagate:([0-9a-f]{12}):(.*)$/s.exec(applicationName)
  return match === null ? undefined : { hash: match[1]!, head: match[2]! }
}

/** The hash by which a head's name stands in an announcement. */
export function headHash(head: string | null): string {
  return createHash('sha256')
    .update(head ?? NO_MIGRATIONS)
    .digest('hex')
    .slice(0, 12)
}
