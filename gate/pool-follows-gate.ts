// A pool that goes where its gate is: of several hosts to the gate's, and never to another server than the gate's.

import type { Pool, PoolClient } from 'pg'
import type { Gate } from './gate.ts'
import type { Queryable } from './ledger-reader.ts'
import { guardLogins } from './postgres/authentication.ts'
import { hostsOf } from './postgres/hosts.ts'

/**
 * Makes each new connection of a pool lead to the host at which the gate is, if the pool's connection string has several;
 * pg itself can read only one. A connection that leads to another server than the one that the gate has looked at is not
 * given out (its user gets a GateClosedError): the gate went elsewhere while it was made, or one address leads to several
 * servers. `guardPool` does this, too. Returns the pool. A `verify` that the pool already has is kept, after this one.
 * @throws TypeError if pool and gate were not given the same hosts.
 */
export function followGate(gate: Gate, pool: Pool): Pool {
  goToItsHost(gate, pool)
  verifyFirst(pool, connection => gate.verifyServer(connection))
  return pool
}

/** Of several hosts, to the gate's, and by a login that the connection string allows. @throws TypeError if pool and gate were not given the same hosts. */
export function goToItsHost(gate: Gate, pool: Pool): void {
  guardLogins(pool)
  const given = pool.options.connectionString
  const { urls } = given === undefined ? { urls: [''] } : hostsOf(given)
  if (urls.length === 1) return
  if (urls.length !== gate.hosts)
    throw new TypeError(`The pool names ${urls.length} hosts, the gate ${gate.hosts}: give both the same.`)
  Object.defineProperty(pool.options, 'connectionString', { get: () => urls[gate.host], enumerable: true })
}

/** Before any other check of the pool's own: a new connection is given out only if `check` resolves. */
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
