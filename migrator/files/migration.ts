// What a migration is, whatever layout its files have.

/** How a migration is written down: docs/migration-files.md. */
export type Layout = 'native' | 'pair' | 'folder' | 'flyway' | 'repeatable' | 'code'

export type MigrationKind = 'sql' | 'code' | 'repeatable'

/** How a migration is run. */
export interface Marks {
  /** False: do not wrap in a transaction. */
  readonly transaction: boolean
  /** Apps that do not know this migration must not run on it. */
  readonly breaking: boolean
  /** This migration's own limits, in milliseconds. */
  readonly lockTimeout?: number
  readonly statementTimeout?: number
}

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
  /** Absent if there is none, and for code, whose module has it. */
  readonly down?: SqlPart
  /** The tool that it was written for, as `--layout` names it: by the folder, or by the marks in the file. */
  readonly tool?: string
  /** It replaces everything before it on an empty ledger, and is skipped on any other. */
  readonly standsIn?: true
  /** Its meaning is in doubt: the error, with the file and the way out, that is reported if it would be run. */
  readonly doubt?: string
  /** Its place in the order of the tool that the folder may belong to; if pending ones differ, the operator decides. */
  readonly otherPlace?: number
}
