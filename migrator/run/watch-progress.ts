// Watches how far a migration is, once it has run for two seconds. Nothing is loaded and asked for one that ends before.

import type { Log } from '../log.ts'
import type { Session } from '../postgres/session.ts'
import type { Announced } from '../progress/announced.ts'
import type { ProgressDisplay } from '../progress/progress.ts'
import type { Activity } from '../progress/server.ts'
import type { WatchConnection } from './watch-connection.ts'

const showAfter = 2_000

export interface ProgressWatchOptions {
  /** The session that does the work. */
  readonly session: Session
  readonly connection: WatchConnection
  readonly announced: Announced
  readonly log: Log
  /** Without it, lines are logged. */
  readonly display: ProgressDisplay | undefined
}

/** Begins to watch a migration. What is shown of it, and when: progress/report.ts. */
export function watchProgress(migration: string, options: ProgressWatchOptions): { stop(): void } {
  const { session, connection, ...shown } = options
  const since = performance.now()
  let stopped = false
  let report: { stop(): void } | undefined
  const begin = async () => {
    const { activityQuery, reportProgress } = await import('../progress/report.ts')
    if (stopped) return
    const ask = async () => {
      const { pooled, greeting } = session
      const { applicationName } = session.options
      const { text, values } = activityQuery(pooled ? { applicationName } : { pid: greeting.pid })
      const { rows } = await connection.query<Activity>(text, values)
      return rows.length === 1 ? rows[0] : undefined
    }
    report = reportProgress({ ...shown, migration, since, ask })
  }
  const timer = setTimeout(() => {
    begin().catch((error: unknown) => shown.log.debug({ err: error, migration }, 'cannot show how far it is'))
  }, showAfter)
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
      report?.stop()
      shown.announced.clear()
    },
  }
}
