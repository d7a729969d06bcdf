// The fixture `database`: a fresh scratch database for each test on the shared server, gone afterwards.

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { test as base, inject } from 'vitest'

export interface ScratchDatabase {
  /** A superuser's connection to this database. */
  readonly url: string
  readonly name: string
  /** Runs a query as superuser on a connection of the fixture's own. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    params?: unknown[],
  ): Promise<pg.QueryResult<Row>>
  /** A connection of its own, closed after the test. `as` logs in with another role. */
  connect(as?: { user: string; password: string }): Promise<pg.Client>
  /** The same database for another login. */
  urlFor(user: string, password: string): string
  /** The name of a role that no other test has; it is dropped with the database. Roles belong to the whole server. */
  role(suffix: string): string
}

/** Gives the test `database`; ask for `createDatabase` to make more than one. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from this pattern
  .extend('admin', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const admin = poolFor(inject('postgres').url, 2)
    onCleanup(() => admin.end())
    return admin
  })
  .extend('createDatabase', async ({ admin }, { onCleanup }) => {
    const made: { drop(): Promise<void> }[] = []
    onCleanup(async () => {
      await Promise.all(made.map(({ drop }) => drop()))
    })
    return async (): Promise<ScratchDatabase> => {
      const { database, drop } = await scratch(admin)
      made.push({ drop })
      return database
    }
  })
  .extend('database', ({ createDatabase }) => createDatabase())

async function scratch(admin: pg.Pool) {
  const name = `t_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name} template template0 strategy wal_log`)
  const url = new URL(inject('postgres').url)
  url.pathname = `/${name}`
  const pool = poolFor(url.href, 2)
  const clients: pg.Client[] = []
  const urlFor = (user: string, password: string) => {
    const other = new URL(url)
    other.username = encodeURIComponent(user)
    other.password = encodeURIComponent(password)
    return other.href
  }
  const database: ScratchDatabase = {
    url: url.href,
    name,
    query: (sql, params) => pool.query(sql, params),
    connect: async as => {
      const client = new pg.Client({
        connectionString: as ? urlFor(as.user, as.password) : url.href,
        application_name: 'test',
      })
      // A server that goes away is what some tests are about: it must not end the test's process.
      client.on('error', () => {})
      await client.connect()
      clients.push(client)
      return client
    },
    urlFor,
    role: suffix => `${name}_${suffix}`,
  }
  const drop = async () => {
    await Promise.all([pool.end(), ...clients.map(client => client.end().catch(() => {}))])
    await admin.query(`drop database if exists ${name} with (force)`)
    const roles = await admin.query<{ rolname: string }>(
      'select rolname from pg_roles where starts_with(rolname, $1)',
      [`${name}_`],
    )
    for (const { rolname } of roles.rows) await admin.query(`drop role ${pg.escapeIdentifier(rolname)}`)
  }
  return { database, drop }
}

function poolFor(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max, application_name: 'test' })
  pool.on('error', () => {})
  return pool
}
