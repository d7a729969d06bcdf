// Watches a migration that takes long, from a second connection: what it waits for, for how long, and which sessions wait for it.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Log } from '../log.ts'
import type { Session } from '../postgres/session.ts'
import { formatDuration } from '../text/durations.ts'
import { LockClock, type LockLook } from './lock-clock.ts'
import type { WatchConnection } from './watch-connection.ts'

/** A session that blocks the migration, or that it blocks; or a prepared transaction, which blocks without one. */
export interface Blocker {
  readonly pid: number | null
  /** The name of a prepared transaction. */
  readonly prepared: string | null
  readonly user: string | null
  readonly application: string | null
  readonly state: string | null
  /** Age of its transaction. */
  readonly ageMs: number | null
  /** Its query, cut short; null if this role may not see it. */
  readonly query: string | null
}

interface RelatedSession extends Blocker {
  readonly relation: 'blocks' | 'waits'
}

/** Milliseconds after which a migration is worth a line in the log. */
const reportAfter = 1_000
const queryLength = 120

/** The watch over one migration. */
export interface MigrationWatch {
  /** The sessions last seen blocking it. */
  readonly blockers: readonly Blocker[]
  stop(): void
}

/** Looks at each migration of a run, over the run's second connection. */
export class BlockerWatch {
  readonly #connection: WatchConnection
  readonly #log: Log
  #steppedBack = false
  /** The lock timeout of what is being watched, in milliseconds. */
  lockTimeout = 0

  constructor(connection: WatchConnection, log: Log) {
    this.#connection = connection
    this.#log = log
  }

  /**
   * Starts to watch what `session` does, whose process changes with a lost connection. While the migration waits for a lock
   * it looks often enough to end an attempt whose waits together take longer than `lockTimeout` (0 for no limit); waits that
   * were over before the first look are not seen.
   */
  watch(migration: string, session: Session, lockTimeout: number): MigrationWatch {
    this.#steppedBack = false
    this.lockTimeout = lockTimeout
    // behind a pooler there is no process to watch
    if (session.pooled) return { blockers: [], stop: () => {} }
    const pollInterval = lockTimeout > 0 ? Math.min(reportAfter, Math.max(lockTimeout / 10, 50)) : reportAfter
    const log = this.#log
    const started = performance.now()
    const clock = new LockClock()
    const watch = {
      blockers: [] as readonly Blocker[],
      stop: () => {
        stopped = true
        clearTimeout(timer)
      },
    }
    let stopped = false
    let lastReported = ''
    let looked = started
    let timer: NodeJS.Timeout
    const look = async () => {
      try {
        const { pid } = session.greeting
        const waits = await this.#lookAtWaits(pid)
        const answered = performance.now()
        if (stopped) return
        const waited = waits ? clock.see(waits, answered) : 0
        const age = answered - started
        // the sessions around it are looked at less often, for that costs the server more
        const due = waits?.blocked ? Math.max(lockTimeout / 4, 50) : reportAfter
        if (
          (waits?.blocked || age >= reportAfter) &&
          (looked === started || answered - looked >= Math.min(due, reportAfter))
        ) {
          looked = answered
          const related = await this.#relatedSessions(pid)
          if (stopped) return
          const blockers = related.filter(s => s.relation === 'blocks')
          if (blockers.length > 0) watch.blockers = blockers
          const picture = related.map(s => `${s.relation} ${s.pid ?? s.prepared}`).join()
          if (age >= reportAfter && picture !== lastReported) report(log, migration, age, related)
          if (age >= reportAfter) lastReported = picture
        }
        if (waits?.waiting && lockTimeout > 0 && waited >= lockTimeout)
          await this.#stepBack(pid, waits, migration, waited)
      } catch (error) {
        log.debug({ err: error, migration }, 'could not query for blockers')
      }
      if (!stopped) timer = setTimeout(look, pollInterval)
    }
    timer = setTimeout(look, lockTimeout > 0 ? Math.min(reportAfter, Math.max(lockTimeout / 5, 50)) : reportAfter)
    return watch
  }

  /** True once after an attempt was ended because its lock waits together took too long. */
  takeStepBack(): boolean {
    const steppedBack = this.#steppedBack
    this.#steppedBack = false
    return steppedBack
  }

  /**
   * Cancels the statement that waits. The flag is set first: the migration may get its error before the watch gets its
   * answer.
   */
  async #stepBack(pid: number, { transaction }: LockLook, migration: string, waited: number): Promise<void> {
    this.#steppedBack = true
    const { rowCount } = await this.#connection.query(
      `select pg_catalog.pg_cancel_backend(pid) from pg_catalog.pg_stat_activity
        where pid = $1 and wait_event_type = 'Lock' and xact_start::text = $2`,
      [pid, transaction],
    )
    if (rowCount === 0) this.#steppedBack = false
    this.#log.debug(
      { event: 'watch', migration, waitedMs: Math.round(waited) },
      'ended an attempt that has waited for several locks',
    )
  }

  /**
   * Whether the process waits for a lock. Waits for other transactions to end as CREATE INDEX CONCURRENTLY has them
   * (virtualxid) do not count: they keep no reader and no writer waiting. They still count as `blocked`.
   */
  async #lookAtWaits(pid: number): Promise<(LockLook & { readonly blocked: boolean }) | undefined> {
    const { rows } = await this.#connection.query<LockLook & { readonly blocked: boolean }>(
      version =>
        `select a.xact_start::text as transaction, coalesce(a.wait_event_type = 'Lock', false) as blocked, l.pid is not null as waiting, l.since::text as since,
              (extract(epoch from pg_catalog.clock_timestamp() - l.since)::pg_catalog.numeric * 1000::pg_catalog.numeric)::float8 as age
         from pg_catalog.pg_stat_activity a
         left join lateral (select l.pid, ${version >= 140_000 ? 'l.waitstart' : 'null::timestamptz'} as since from pg_catalog.pg_locks l
                             where a.wait_event_type = 'Lock' and l.pid = a.pid and not l.granted and l.locktype <> 'virtualxid'
                             limit 1) l on true
        where a.pid = $1`,
      [pid],
    )
    return rows[0]
  }

  async #relatedSessions(pid: number): Promise<RelatedSession[]> {
    const { rows } = await this.#connection.query<RelatedSession>(
      `select case when a.pid = any(pg_catalog.pg_blocking_pids($1)) then 'blocks' else 'waits' end as relation,
              a.pid, null as prepared, a.usename as user, a.application_name as application, a.state,
              ${ageOf('a.xact_start')} as "ageMs",
              pg_catalog.left(pg_catalog.regexp_replace(nullif(a.query, '<insufficient privilege>'), '\\s+', ' ', 'g'), ${queryLength}) as query
         from pg_catalog.pg_stat_activity a
        where a.pid <> $1 and (a.pid = any(pg_catalog.pg_blocking_pids($1))
           or (a.wait_event_type = 'Lock' and $1 = any(pg_catalog.pg_blocking_pids(a.pid))))
       union all
       select 'blocks', null, p.gid, p.owner, null, 'prepared', ${ageOf('p.prepared')}, null
         from pg_catalog.pg_prepared_xacts p where 0 = any(pg_catalog.pg_blocking_pids($1)) and p.transaction in (${preparedHolders})
        order by 1, 2`,
      [pid],
    )
    return rows
  }
}

/** Milliseconds since a time. */
function ageOf(time: string): string {
  return `(extract(epoch from pg_catalog.clock_timestamp() - ${time})::pg_catalog.numeric * 1000::pg_catalog.numeric)::float8`
}

/**
 * The prepared transactions that hold what the process waits for. Their locks have no process, and are told apart by
 * their own transaction.
 */
const preparedHolders = `select own.transactionid from pg_catalog.pg_locks w
    join pg_catalog.pg_locks h on h.pid is null and h.locktype = w.locktype and h.relation is not distinct from w.relation
      and h.transactionid is not distinct from w.transactionid
    join pg_catalog.pg_locks own on own.pid is null and own.locktype = 'transactionid' and own.virtualtransaction = h.virtualtransaction
   where w.pid = $1 and not w.granted`

function report(log: Log, migration: string, age: number, related: readonly RelatedSession[]): void {
  const blockers = related.filter(s => s.relation === 'blocks')
  const waits = related.filter(s => s.relation === 'waits')
  const parts = [`${migration} has run for ${formatDuration(age)}`]
  if (blockers.length > 0) parts.push(`it waits for ${blockers.map(describe).join('; ')}`)
  if (waits.length > 0) parts.push(`it is blocking ${waits.map(describe).join('; ')}`)
  const level = blockers.length + waits.length > 0 ? 'warn' : 'info'
  log[level]({ event: 'watch', migration, durationMs: Math.round(age), blockers, waits }, parts.join('; '))
}

/** A session in one line. */
export function describe({ pid, prepared, user, application, state, ageMs, query }: Blocker): string {
  const time = ageMs === null ? undefined : formatDuration(Math.max(0, ageMs))
  if (prepared !== null)
    return `the prepared transaction ${quoteLiteral(prepared)} (user ${user}, prepared ${time} ago; COMMIT PREPARED or ROLLBACK PREPARED ends it)`
  const who = [user && `user ${user}`, application && `application "${application}"`, state].filter(Boolean).join(', ')
  const age = time === undefined ? '' : `, its transaction ${time} old`
  return `pid ${pid} (${who}${age})${query ? `: ${query}` : ''}`
}
