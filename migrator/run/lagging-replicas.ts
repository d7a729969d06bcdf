// Before a breaking migration: which replicas lag behind, for an app that reads from one still sees the older schema.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Migration } from '../files/migration.ts'
import { formatDuration } from '../text/durations.ts'
import { replays } from './replica-lag.ts'
import type { Run } from './run.ts'

/** A server that follows this one, as `pg_stat_replication` shows it. */
interface Replica {
  readonly name: string | null
  readonly address: string | null
  readonly state: string | null
  /** How much of the WAL it has not replayed; null if that is not to be seen. */
  readonly lagBytes: number | null
  /** How old the WAL is that it replayed last; null where Postgres has not measured it. */
  readonly lagMs: number | null
}

/** Milliseconds: a replica that is well needs a moment, too. */
const timeout = 1_000
const pollInterval = 50

/**
 * Logs the replicas that have not, within a moment, replayed what this server had written when it was asked. It is only
 * a note: nothing that goes wrong here keeps the migration from running.
 */
export async function noteLaggingReplicas(run: Run, { name: migration }: Migration): Promise<void> {
  try {
    const { rows } = await run.session.query<{ lsn: string }>('select pg_catalog.pg_current_wal_flush_lsn() as lsn')
    const deadline = performance.now() + timeout
    let lagging = await readLagging(run, rows[0]!.lsn)
    while (lagging.length > 0 && performance.now() < deadline) {
      await sleep(pollInterval, undefined, { signal: run.signal })
      lagging = await readLagging(run, rows[0]!.lsn)
    }
    const seen = lagging.filter(replica => replica.lagBytes !== null)
    if (lagging.length > seen.length)
      run.log.debug({ event: 'replica-lag', migration }, 'how far replicas lag is shown only to members of pg_monitor')
    if (seen.length > 0)
      run.log.warn(
        { event: 'replica-lag', migration, replicas: seen },
        `${migration} is breaking, and replicas lag behind: ${seen.map(describe).join('; ')}; apps that read there see the older schema until they have caught up`,
      )
  } catch (error) {
    run.signal.throwIfAborted()
    run.log.debug({ err: error, migration }, 'could not query for lagging replicas')
  }
}

/** Those that have not replayed up to `lsn`, or do not show it. */
async function readLagging(run: Run, lsn: string): Promise<Replica[]> {
  const { rows } = await run.session.query<Replica>(
    `select application_name as name, pg_catalog.host(client_addr) as address, state,
            pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), replay_lsn)::float8 as "lagBytes",
            (extract(epoch from replay_lag)::pg_catalog.numeric * 1000::pg_catalog.numeric)::float8 as "lagMs"
       from pg_catalog.pg_stat_replication
      where ${replays} and (replay_lsn is null or replay_lsn < $1::pg_lsn)
      order by application_name, client_addr, pid`,
    [lsn],
  )
  return rows
}

function describe({ name, address, state, lagBytes, lagMs }: Replica): string {
  const age = lagMs === null ? '' : `, ${formatDuration(Math.max(0, lagMs))}`
  return `${name || 'unnamed'}${address ? ` at ${address}` : ''} (${state}, ${lagBytes} bytes of WAL${age})`
}
