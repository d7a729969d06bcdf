// The run lock: one migrator at a time, polled rather than waited for, on the connection that works.

import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from '../durations.ts'
import { LockHeldError } from '../errors.ts'
import { runLockKey } from '../gate/run-lock-key.ts'
import type { Log } from '../log.ts'
import type { Session } from './session.ts'

interface LockOptions {
  readonly session: Session
  readonly schema: string
  /** Milliseconds to wait for another migrator. */
  readonly wait: number
  readonly signal: AbortSignal
  readonly log: Log
}

/** Between two polls; spread, so that many waiting migrators do not come all at once. */
const pollMin = 40
const pollSpread = 60

/** Polls `attempt` until it says yes; says who holds the lock after a second. @throws LockHeldError */
export async function pollRunLock(options: LockOptions, attempt: () => Promise<boolean>): Promise<void> {
  const { wait, signal, log } = options
  const started = performance.now()
  let said = ''
  for (;;) {
    signal.throwIfAborted()
    if (await attempt()) return
    const waited = performance.now() - started
    if (waited >= wait) {
      const who = await holder(options)
      throw new LockHeldError(
        `Another migrator held the run lock for ${formatDuration(wait)}${who ? `: ${who}` : ''}. ` +
          'Wait until it has ended and run `schemagate up` again; --lock-wait sets how long to wait.',
      )
    }
    if (waited > 1_000) {
      const who = await holder(options)
      if (who !== said)
        log.info({ event: 'lock-wait', durationMs: Math.round(waited) }, `waiting for another migrator: ${who}`)
      said = who
    }
    await sleep(Math.min(pollMin + Math.random() * pollSpread, wait - waited), undefined, { signal }).catch(() => {})
  }
}

/**
 * Takes the session-level lock. It is polled: a backend that waits inside the server holds a snapshot, and a CREATE
 * INDEX CONCURRENTLY of the lock's holder would wait for that for ever (flyway#1654, golang-migrate#960).
 */
export async function takeRunLock(options: LockOptions): Promise<void> {
  const [a, b] = runLockKey(options.schema)
  await pollRunLock(options, async () => {
    const { rows } = await options.session.query<{ taken: boolean }>(
      `select pg_catalog.pg_try_advisory_lock(${a}, ${b}) as taken`,
    )
    return rows[0]!.taken
  })
}

/** Who holds the run lock and since when; empty if nobody does any more. */
async function holder({ session, schema }: LockOptions): Promise<string> {
  const [a, b] = runLockKey(schema)
  const { rows } = await session.query<{ who: string }>(
    `select pg_catalog.format('pid %s, user %s, %s%s, connected since %s', a.pid, a.usename, a.application_name,
              coalesce(' from ' || pg_catalog.host(a.client_addr), ''), pg_catalog.to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')) as who
       from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 2
        and l.classid = (${a})::int4::oid and l.objid = (${b})::int4::oid
        and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`,
  )
  return rows.map(row => row.who).join('; ')
}
