// A pool that connects to the host of its gate, and never to another server.

import type { Pool, PoolClient } from 'pg'
import type { Gate } from './gate.ts'
import type { Queryable } from './ledger-reader.ts'
import { guardLogins } from './postgres/authentication.ts'
import { hostsOf } from './postgres/hosts.ts'

/**
 * Makes each new connection of a pool lead to the gate's host, if the pool's connection string has several; pg itself can
 * read only one. A connection to another server than the one whose ledger the gate has read is not handed out (`connect`
 * rejects with a GateClosedError): the gate moved while it was opened, or one address leads to several servers.
 * `guardPool` does this, too. Returns the pool. A `verify` that the pool already has runs after this one.
 * @throws TypeError if pool and gate were not given the same hosts.
 */
export function followGate(gate: Gate, pool: Pool): Pool {
  goToItsHost(gate, pool)
  verifyFirst(pool, connection => gate.verifyServer(connection))
  return pool
}

/** Sends new connections to the gate's host, with a login that the connection string allows. @throws TypeError if pool and gate were not given the same hosts. */
export function goToItsHost(gate: Gate, pool: Pool): void {
  guardLogins(pool)
  const given = pool.options.connectionString
  const { urls } = given === undefined ? { urls: [''] } : hostsOf(given)
  if (urls.length === 1) return
  if (urls.length !== gate.hosts)
    throw new TypeError(`The pool names ${urls.length} hosts, the gate ${gate.hosts}: give both the same.`)
  Object.defineProperty(pool.options, 'connectionString', { get: () => urls[gate.host], enumerable: true })
}

/** A new connection is handed out only if `check` resolves. It runs before the pool's own `verify`. */
export function verifyFirst(pool: Pool, check: (connection: Queryable) => Promise<void>): void {
  const own = pool.options.verify
  pool.options.verify = (client, done) => {
    check(queryable(client)).then(
      () => (own === undefined ? done() : own(client, done)),
      (error: Error) => done(error),
    )
  }
}

function queryable(client: PoolClient): Queryable {
  return { query: async <Row extends object>(text: string) => (await client.query<Row>(text)).rows }
}
