// What a migration is, whatever layout its files have.

import type { Marks } from './marks.ts'

/** How a migration is written down: see the contract, "Migration files". */
export type Layout = 'native' | 'pair' | 'folder' | 'flyway' | 'repeatable' | 'code'

export type MigrationKind = 'sql' | 'code' | 'repeatable'

/** A stretch of one file that is sent to Postgres. Offsets are UTF-16, into `source`, so that errors find their line. */
export interface SqlPart {
  readonly file: string
  readonly source: string
  readonly start: number
  readonly end: number
  readonly marks: Marks
}

export interface Migration {
  /** The file's or folder's name without its ending; the key of the ledger. */
  readonly name: string
  readonly kind: MigrationKind
  readonly layout: Layout
  /** The leading number, part by part (`V1.10__x` is [1, 10]); empty for repeatable ones. */
  readonly version: readonly bigint[]
  /** The file that holds the up part. */
  readonly file: string
  /** sha256, hex, of the normalised text of `file`. */
  readonly checksum: string
  readonly marks: Marks
  /** Absent for code. */
  readonly up?: SqlPart
  /** Absent where there is none, and for code (only its module tells). */
  readonly down?: SqlPart
}
