// Session settings around a migration: its limits before it, and a clean session after it.

import type { Session } from './session.ts'
import { type Setting, setAll } from './session-settings.ts'

/** Times in milliseconds, 0 for no limit. */
export interface Limits {
  readonly lockTimeout: number
  readonly statementTimeout: number
  /** Commit without waiting for the disk: a later commit that waits covers this one, for WAL is in order. */
  readonly asynchronous: boolean
}

type SettingsOf = Pick<Session, 'settings' | 'pooled'>

/** The statements that set the limits, for the transaction (`local`) or for the session. */
export function setLimits({ settings, pooled }: SettingsOf, limits: Limits, local: boolean): string[] {
  const all: Setting[] = [
    // a session of its own has made them once; `pg_stat_activity` shows a message's first kilobyte, which is the file's
    ...(pooled ? settings.filter(([name]) => !['lock_timeout', 'statement_timeout'].includes(name)) : []),
    ['lock_timeout', `${limits.lockTimeout}ms`],
    ['statement_timeout', `${limits.statementTimeout}ms`],
  ]
  if (limits.asynchronous && local) all.push(['synchronous_commit', 'off'])
  return setAll(all, local)
}

/** A migration may have changed the role; the ledger is the migrator's own. */
export const resetRole = 'reset session authorization;reset role;'

/**
 * Session settings that a migration made must not outlive it, nor hold for the ledger's own statements. RESET ALL brings
 * back what the role and the database have set, limits meant for apps among it: the session's own settings are made again.
 */
export function resetSession({ settings, pooled }: SettingsOf): string {
  return `${resetRole}reset all;${setAll(settings, pooled).join('')}`
}

/** The RESET of {@link resetSession} would make the commit wait for the disk again. */
export const resumeAsynchronous = 'set local synchronous_commit = off;'

/**
 * Removes what else a session holds: temporary tables and prepared statements, whose names the next migration may use. Behind a
 * pooler its advisory locks, too: the server's process goes on for others. A direct one holds the run lock.
 */
export function discardSession({ pooled }: Pick<Session, 'pooled'>): string {
  return `discard temp;deallocate all;unlisten *;${pooled ? 'select pg_catalog.pg_advisory_unlock_all();' : ''}`
}
