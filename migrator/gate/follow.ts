// A pool that goes where its gate is: of several hosts, to the one whose server the gate has looked at.

import { Client, type Pool, type PoolClient } from 'pg'
import type { Gate } from './gate.ts'
import { hostsOf } from './hosts.ts'
import { GateClosedError } from './status.ts'

/**
 * Makes each new connection of a pool lead to the host at which the gate is, if the pool's connection string has several;
 * pg itself can read only one. A connection that was still being made when the gate went elsewhere is not given out (its
 * user gets a GateClosedError). `guardPool` does this, too. Returns the pool.
 * @throws TypeError if pool and gate were not given the same hosts.
 */
export function followGate(gate: Gate, pool: Pool): Pool {
  const given = pool.options.connectionString
  const { urls } = given === undefined ? { urls: [''] } : hostsOf(given)
  if (urls.length === 1) return pool
  if (urls.length !== gate.hosts)
    throw new TypeError(`The pool names ${urls.length} hosts, the gate ${gate.hosts}: give both the same.`)
  Object.defineProperty(pool.options, 'connectionString', { get: () => urls[gate.host], enumerable: true })
  const addresses = urls.map(connectionString => addressOf(new Client({ connectionString })))
  const own = pool.options.verify
  pool.options.verify = (client, done) => {
    if (addressOf(client) !== addresses[gate.host]) done(new GateClosedError({ ...gate.status, ...left }))
    else if (own === undefined) done()
    else own(client, done)
  }
  return pool
}

const left = { state: 'unreachable', detail: 'The connection led to a host that the gate has left.' } as const

/** As pg has read it: the string's own spelling, defaults filled in. */
function addressOf(client: Client | PoolClient): string {
  const { host, port } = client as Client
  return `${host}:${port}`
}
