// What a test asks of pg_stat_activity and pg_locks: who is connected, who waits, who holds the run lock.

import type pg from 'pg'
import { expect } from 'vitest'
import type { ScratchDatabase } from './database.ts'
import { eventually } from './eventually.ts'

/** The migrators' own sessions in this database; their watches do not count. */
export async function migratorSessions(
  database: ScratchDatabase,
): Promise<{ pid: number; state: string; query: string }[]> {
  const { rows } = await database.query<{ pid: number; state: string; query: string }>(
    `select pid, state, query from pg_stat_activity
      where datname = current_database() and application_name like 'schemagate migrator %' order by backend_start`,
  )
  return rows
}

/** Waits until a migrator's session runs a statement that matches; returns its process id. */
export async function untilItRuns(database: ScratchDatabase, query: RegExp): Promise<number> {
  return eventually(
    async () => {
      const sessions = await migratorSessions(database)
      const session = sessions.find(s => s.state === 'active' && query.test(s.query))
      if (!session) throw new Error(`no migrator runs ${query}: ${JSON.stringify(sessions)}`)
      return session.pid
    },
    { timeout: 30_000 },
  )
}

/** Waits until the session of this process id waits for a lock. */
export async function untilItWaits(database: ScratchDatabase, pid: number): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await database.query('select wait_event_type from pg_stat_activity where pid = $1', [pid])
      expect(rows).toEqual([{ wait_event_type: 'Lock' }])
    },
    { timeout: 30_000, interval: 10 },
  )
}

/** Asserts, within a moment, that no migrator is left in the database and that no session holds an advisory lock there. */
export async function nothingLeft(database: ScratchDatabase, timeout = 2_000): Promise<void> {
  await eventually(
    async () => {
      expect(await migratorSessions(database)).toEqual([])
      const { rows } = await database.query(
        `select pid from pg_locks where locktype = 'advisory'
            and database = (select oid from pg_database where datname = current_database())`,
      )
      expect(rows).toEqual([])
    },
    { timeout },
  )
}

/** A client's session that stays in a transaction after it did something. */
export async function idleInTransaction(
  database: ScratchDatabase,
  sql: string,
): Promise<{ client: pg.Client; pid: number }> {
  const client = await database.connect()
  await client.query('begin')
  await client.query(sql)
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return { client, pid: rows[0]?.pid ?? 0 }
}
