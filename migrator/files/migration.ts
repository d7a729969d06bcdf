// What a migration is, whatever layout its files have.

import type { Marks } from './marks.ts'

/** How a migration is written down: docs/migration-files.md. */
export type Layout = 'native' | 'pair' | 'folder' | 'flyway' | 'repeatable' | 'code'

export type MigrationKind = 'sql' | 'code' | 'repeatable'

/** A stretch of one file that is sent to Postgres. Offsets are UTF-16, into `source`, so that errors find their line. */
export interface SqlPart {
  readonly file: string
  readonly source: string
  readonly start: number
  readonly end: number
  readonly marks: Marks
  /** The tool that it was written for, as `--layout` names it. */
  readonly tool?: string
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
  /** The tool that it was written for, as `--layout` names it: by the folder, or by the marks in the file. */
  readonly tool?: string
  /** It stands in for all that comes before it: run on an empty ledger, passed over on any other. */
  readonly standsIn?: true
  /** Why it must not be run as it is: a message with the file and the way out, for when it is about to be. */
  readonly doubt?: string
  /** Its place in the order that another reading of the folder gives; where pending ones differ, a person decides. */
  readonly otherPlace?: number
}
