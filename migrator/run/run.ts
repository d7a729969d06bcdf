// One run: what all of its parts share.

import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../log.ts'
import type { Limits } from '../postgres/limits.ts'
import type { Session } from '../postgres/session.ts'
import type { Announced } from '../progress/announced.ts'
import type { Settings } from '../settings/settings.ts'
import type { BlockerWatch } from './blockers.ts'
import type { RunRecord } from './record.ts'
import type { RunLock } from './run-lock.ts'

/** One run, from its lock to its end: what everything that is done under the lock is given. */
export interface Run {
  readonly id: string
  readonly record: RunRecord
  readonly session: Session
  readonly lock: RunLock
  readonly settings: Settings
  readonly ledger: Ledger
  readonly log: Log
  readonly signal: AbortSignal
  readonly blockers: BlockerWatch
  /** Where the migration under way says how far it is. */
  readonly progress: Announced
  /** Begins to show how far a migration is. */
  watchProgress(migration: string): { stop(): void }
}

/** The limits of one migration: its own marks, else the run's. */
export function limitsOf(
  run: Run,
  marks: { readonly lockTimeout?: number; readonly statementTimeout?: number },
  asynchronous: boolean,
): Limits {
  return {
    lockTimeout: marks.lockTimeout ?? run.settings.lockTimeout,
    statementTimeout: marks.statementTimeout ?? run.settings.statementTimeout,
    // behind a pooler a crash may go unseen, and what comes next would be built on a commit that is lost; and a server that
    // crashes over a migration would each time lose the ones before it
    asynchronous: asynchronous && !run.session.pooled && !run.session.wasLost,
  }
}
