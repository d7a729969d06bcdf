// The app's connections to Postgres: a pool with limits, and transactions on it.

import pg from 'pg'
import { type Connection, poolConfig } from 'schemagate-gate'
import type { Logger } from './log.ts'

/** What runs SQL: a pool, or one connection of it inside a transaction. Values always travel apart from the SQL. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<pg.QueryResult<Row>>
}

/** Milliseconds that a request waits for a connection: a machine that is starting the next release opens them slowly. */
const connectTimeout = 10_000
const statementTimeout = 5_000

/** What pools differ in: the rest is the same for all. */
type PoolOptions = Pick<pg.PoolConfig, 'application_name' | 'max' | 'connectionTimeoutMillis' | 'query_timeout'>

/** A pool that outlives its connections: one that is lost is logged and replaced when next needed. */
export function openPool(connection: Connection, log: Logger, options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...poolConfig(connection),
    max: 10,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeout,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeout,
    idle_in_transaction_session_timeout: 2 * statementTimeout,
    // The server's own limit does not help when the server has gone.
    query_timeout: statementTimeout + 1_000,
    ...options,
  })
  const lost = (err: Error) => log.warn({ err }, 'lost a database connection')
  pool.on('error', lost)
  // The pool listens to idle connections only: an error on one that is lost between two queries of a transaction would end the process.
  pool.on('connect', client => client.on('error', lost))
  return pool
}

/** Runs `work` in one transaction, on one connection; whatever it throws rolls back and is thrown on. */
export async function inTransaction<T>(pool: pg.Pool, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error('rollback failed', { cause })
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** SQL for a timestamp as JSON has it, with all of its microseconds: a Date would cut them off. */
export function iso(column: string): string {
  return `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

/** The constraint or index that a statement broke, if it failed with this SQLSTATE. */
export function brokenConstraint(error: unknown, sqlstate: '23503' | '23505'): string | undefined {
  return error instanceof pg.DatabaseError && error.code === sqlstate ? error.constraint : undefined
}
