// Watches a migration that takes long, from a second connection: what it waits for, and whom it makes wait.

import { formatDuration } from '../durations.ts'
import type { Log } from '../log.ts'
import type { ConnectOptions } from './connect.ts'
import { Session } from './session.ts'

/** A session that is in the way, or that is made to wait. */
export interface Blocker {
  readonly pid: number
  readonly user: string | null
  readonly application: string | null
  readonly state: string | null
  /** Age of its transaction. */
  readonly ageMs: number | null
  /** Its query, cut short. */
  readonly query: string | null
}

interface Sight extends Blocker {
  readonly relation: 'blocks' | 'waits'
}

/** From when on a migration is worth watching. */
const patience = 1_000
const queryLength = 120

/** One migration's watch. */
export interface Sighting {
  /** Who was last seen in its way. */
  readonly blockers: readonly Blocker[]
  stop(): void
}

/** Keeps one connection for all migrations of a run, made only when the first takes long. */
export class Watch {
  readonly #options: Omit<ConnectOptions, 'applicationName' | 'signal'>
  readonly #abort = new AbortController()
  #session: Promise<Session> | undefined

  constructor(options: Omit<ConnectOptions, 'applicationName' | 'signal'>) {
    this.#options = options
  }

  /**
   * Starts to watch the server process `pid`, asked anew each time, since a lost connection changes it. With a lock timeout
   * shorter than a second it looks earlier, for the blockers can be seen only while they block.
   */
  start(migration: string, pid: () => number, lockTimeout: number): Sighting {
    const log = this.#options.log
    const first = lockTimeout > 0 ? Math.min(patience, lockTimeout * 0.4) : patience
    const pause = lockTimeout > 0 ? Math.min(patience, Math.max(lockTimeout / 4, 50)) : patience
    const started = performance.now()
    const sighting = {
      blockers: [] as readonly Blocker[],
      stop: () => {
        stopped = true
        clearTimeout(timer)
      },
    }
    let stopped = false
    let said = ''
    let timer: NodeJS.Timeout
    const look = async () => {
      try {
        const sights = await this.#look(pid())
        if (stopped) return
        const blockers = sights.filter(s => s.relation === 'blocks')
        if (blockers.length > 0) sighting.blockers = blockers
        const age = performance.now() - started
        const picture = sights.map(s => `${s.relation} ${s.pid}`).join()
        if (age >= patience && picture !== said) report(log, migration, age, sights)
        if (age >= patience) said = picture
      } catch (error) {
        log.debug({ err: error, migration }, 'the watch could not look')
        void this.#session?.then(session => session.close()).catch(() => {})
        this.#session = undefined
      }
      if (!stopped) timer = setTimeout(look, pause)
    }
    timer = setTimeout(look, first)
    return sighting
  }

  async #look(pid: number): Promise<Sight[]> {
    this.#session ??= Session.open({
      ...this.#options,
      timeout: 2_000,
      signal: this.#abort.signal,
      applicationName: 'schemagate watch',
    })
    const session = await this.#session
    const { rows } = await session.query<Sight>(
      `select case when a.pid = any(pg_catalog.pg_blocking_pids($1)) then 'blocks' else 'waits' end as relation,
              a.pid, a.usename as user, a.application_name as application, a.state,
              (extract(epoch from pg_catalog.clock_timestamp() - a.xact_start) * 1000)::float8 as "ageMs",
              pg_catalog.left(pg_catalog.regexp_replace(a.query, '\\s+', ' ', 'g'), ${queryLength}) as query
         from pg_catalog.pg_stat_activity a
        where a.pid <> $1 and (a.pid = any(pg_catalog.pg_blocking_pids($1))
           or (a.wait_event_type = 'Lock' and $1 = any(pg_catalog.pg_blocking_pids(a.pid))))
        order by 1, 2`,
      [pid],
    )
    return rows
  }

  async close(): Promise<void> {
    this.#abort.abort()
    const session = await this.#session?.catch(() => undefined)
    await session?.close()
  }
}

function report(log: Log, migration: string, age: number, sights: readonly Sight[]): void {
  const blockers = sights.filter(s => s.relation === 'blocks')
  const waits = sights.filter(s => s.relation === 'waits')
  const parts = [`${migration} has run for ${formatDuration(age)}`]
  if (blockers.length > 0) parts.push(`it waits for ${blockers.map(describe).join('; ')}`)
  if (waits.length > 0) parts.push(`it makes wait: ${waits.map(describe).join('; ')}`)
  const level = blockers.length + waits.length > 0 ? 'warn' : 'info'
  log[level]({ event: 'watch', migration, durationMs: Math.round(age), blockers, waits }, parts.join('; '))
}

/** A session in one line. */
export function describe({ pid, user, application, state, ageMs, query }: Blocker): string {
  const who = [user && `user ${user}`, application && `application "${application}"`, state].filter(Boolean).join(', ')
  const age = ageMs === null ? '' : `, its transaction ${formatDuration(Math.max(0, ageMs))} old`
  return `pid ${pid} (${who}${age})${query ? `: ${query}` : ''}`
}
