// What every session of the migrator sets for itself: no limits that are meant for apps, and an end on the server soon after
// the migrator has vanished.

import pg from 'pg'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Log } from '../log.ts'

export type Setting = readonly [name: string, value: string]

/**
 * Milliseconds after which the server ends a session from which it hears nothing between two statements. The session sends
 * a heartbeat several times in that time. Keepalives do not suffice: a proxy answers them for a client that is gone.
 */
export const idleLimit = 20_000
export const heartbeatInterval = 5_000

/**
 * Probes are sent after 5, 10 and 15 s without a sign of life, and the connection is given up at the next one, after 20 s;
 * so it is when data stays unacknowledged, which keepalives alone do not cover. `client_connection_check_interval` lets a
 * server process that is at work notice that its connection was given up.
 */
const vanishing: readonly Setting[] = [
  ['tcp_keepalives_idle', '5'],
  ['tcp_keepalives_interval', '5'],
  ['tcp_keepalives_count', '3'],
  ['tcp_user_timeout', '18s'],
  ['client_connection_check_interval', '500ms'],
]

/** The most that a question of the migrator's own waits for a lock, as on a ledger that another session has locked. */
const lockTimeout = '60s'

/** The settings of a session; servers know some of them only from PostgreSQL 14 or 17 on. `idle` is 0 for no limit. */
export function sessionSettings(idle: number): readonly Setting[] {
  return [
    ['statement_timeout', '0'],
    ['lock_timeout', lockTimeout],
    ['transaction_timeout', '0'],
    ['idle_session_timeout', `${idle}ms`],
    ['idle_in_transaction_session_timeout', `${idle}ms`],
    ...vanishing,
  ]
}

/** The statements that make the settings, for the transaction (`local`) or for the session: a SET is cheaper than a query. */
export function setAll(settings: readonly Setting[], local: boolean): string[] {
  return settings.map(([name, value]) => `set ${local ? 'local ' : ''}${name} = ${quoteLiteral(value)};`)
}

/**
 * An expression that makes, for the session, those settings that the server knows, and gives their names. With `only`,
 * nothing is set unless that server process is the one that answers: behind a pooler the session is not ours to change.
 */
export function setKnown(settings: readonly Setting[], only: number): string {
  if (settings.length === 0) return 'null'
  const rows = settings.map(([name, value]) => `(${quoteLiteral(name)}, ${quoteLiteral(value)})`)
  return `(select pg_catalog.array_agg(s.name) from (values ${rows.join(', ')}) s (name, value)
            where case when pg_catalog.current_setting(s.name, true) is null then false
                       when pg_catalog.pg_backend_pid() <> ${only} then true
                       else pg_catalog.set_config(s.name, s.value, false) is not null end)`
}

/** A run has several sessions, and one log. */
const logged = new WeakSet<Log>()

/** Servers of others' keeping may refuse a setting: it is left as it is, and the rest is made. */
export async function setOneByOne(
  client: pg.Client,
  settings: readonly Setting[],
  log: Log,
  key: number,
): Promise<readonly string[]> {
  const made: string[] = []
  const refused: string[] = []
  for (const setting of settings) {
    try {
      const { rows } = await client.query<{ known: string[] | null }>(`select ${setKnown([setting], key)} as known`)
      made.push(...(rows[0]?.known ?? []))
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR') throw error
      refused.push(`${setting[0]} (${error.message})`)
    }
  }
  if (refused.length === 0 || logged.has(log)) return made
  logged.add(log)
  log.info({ event: 'settings' }, `this server does not let the session set ${refused.join(', ')}; left as it is`)
  return made
}
