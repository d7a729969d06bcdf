// What the functions of all migrations of one run are given.

import type { Migration } from '../files/migration.ts'
import type { History } from '../ledger/history.ts'
import type { Run } from '../run/run.ts'

/** Umzug's context: the run, and what it knows once it has the lock. */
export interface Migrating {
  readonly run: Run
  /** All files, in order. */
  readonly files: readonly Migration[]
  readonly history: History
  /** What is to be applied or reverted, in the order in which it is. */
  readonly chosen: readonly Migration[]
}
