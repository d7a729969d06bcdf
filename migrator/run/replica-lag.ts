// How far replicas are behind, for work that is to leave them time.

import { DeniedError } from '../errors.ts'
import type { Session } from '../postgres/session.ts'

interface Sent {
  readonly lsn: string
  readonly at: number
}

interface Replica {
  readonly name: string
  /** Not shown to this role. */
  readonly hidden: boolean
  readonly behind: boolean
}

/**
 * A condition on `pg_stat_replication`: what will replay, or does not show whether. A base backup does not, and neither does
 * what archives WAL (pg_receivewal, Barman), which tells no position; a standby tells one in its first reply.
 */
export const replays = "(state is null or state <> 'backup' and (state <> 'streaming' or replay_lsn is not null))"

/**
 * Asks which replicas are further behind than a limit. The server measures `replay_lag` only when a replica reports
 * progress, so that one which has stopped replaying seems to be as near as ever: what the server had written when it was
 * asked before, longer ago than the limit, must have been replayed as well.
 * https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW
 */
export class ReplicaLag {
  readonly #limit: number
  #sent: Sent[] = []

  /** `limit` in milliseconds. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** The names of those that are behind. @throws DeniedError if they cannot be seen. */
  async behind(session: Session): Promise<string[]> {
    const now = performance.now()
    const old = this.#sent.findLast(({ at }) => now - at >= this.#limit)
    this.#sent = this.#sent.filter(({ at }) => at >= (old?.at ?? 0))
    const { rows } = await session.query<{ lsn: string; replicas: Replica[] | null }>(
      `select pg_catalog.pg_current_wal_flush_lsn()::text as lsn,
              (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                 'name', coalesce(nullif(application_name, ''), pg_catalog.host(client_addr), 'a replica'),
                 'hidden', state is null,
                 'behind', coalesce(replay_lsn < $1::pg_lsn, replay_lsn is null)
                        or (replay_lag > $2 * interval '1 ms' and replay_lsn < pg_catalog.pg_current_wal_flush_lsn())))
                 from pg_catalog.pg_stat_replication where ${replays}) as replicas`,
      [old?.lsn ?? null, this.#limit],
    )
    const { lsn, replicas } = rows[0]!
    this.#sent.push({ lsn, at: now })
    if (replicas?.some(({ hidden }) => hidden))
      throw new DeniedError(
        'How far replicas are behind is shown only to members of pg_monitor: GRANT pg_monitor to the role that migrates, or take maxLag out.',
      )
    return replicas?.filter(({ behind }) => behind).map(({ name }) => name) ?? []
  }
}
