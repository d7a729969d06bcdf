// A pool that goes where its gate is: of several hosts, to the one whose server the gate has looked at.

import type { Pool } from 'pg'
import type { Gate } from './gate.ts'
import { hostsOf } from './hosts.ts'

/**
 * Makes each new connection of a pool lead to the host at which the gate is, if the pool's connection string has several;
 * pg itself can read only one. `guardPool` does this, too. Returns the pool.
 * @throws TypeError if pool and gate were not given the same hosts.
 */
export function followGate(gate: Gate, pool: Pool): Pool {
  const given = pool.options.connectionString
  const { urls } = given === undefined ? { urls: [''] } : hostsOf(given)
  if (urls.length === 1) return pool
  if (urls.length !== gate.hosts)
    throw new TypeError(`The pool names ${urls.length} hosts, the gate ${gate.hosts}: give both the same.`)
  Object.defineProperty(pool.options, 'connectionString', { get: () => urls[gate.host], enumerable: true })
  return pool
}
