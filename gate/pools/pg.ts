// Guards an app's own pool: every new connection is checked before use, the gate gets every schema error, and connections
// end when the gate has to release the ledger.

import type { Pool } from 'pg'
import type { Gate } from '../gate.ts'
import { GuardedConnections } from './guarded-connections.ts'
import { goToItsHost, verifyFirst } from './pool-follows-gate.ts'

/**
 * Makes a pool hand out no connection to a database that the app does not match, or to another server or database than the
 * one whose ledger the gate has read: `connect` rejects with a GateClosedError (statusCode 503). The gate queries the ledger
 * at once when a query of the pool fails because the schema is not what it expected. Of several hosts the pool uses the
 * gate's. Returns the pool; call it before the pool has connections.
 *
 * When another session takes the ledger while requests are still inside (a restore that they block, and that blocks them),
 * running queries are cancelled and the pool's connections end; new ones are checked. They end as well when the database
 * does not match any more and the last request has left: what uses the pool without a request would go on with those that
 * it has.
 *
 * A `verify` that the pool already has runs after this one. Connections that are lost, those that are ended here among
 * them, do not end a process whose pool has no listener for `error`.
 * @throws TypeError if there is no gate, pool and gate were not given the same hosts, or the pool has connections already.
 */
export function guardPool<Guarded extends Pool>(gate: Gate, pool: Guarded): Guarded {
  // such as `globalThis.gate` in a module that a build loads
  if (!gate) throw new TypeError('guardPool: there is no gate yet. Make the gate first, and the pool after it.')
  goToItsHost(gate, pool)
  const connections = new GuardedConnections(gate, pool.options.stream)
  verifyFirst(pool, async client => {
    connections.add(client)
    await connections.verify(client)
  })
  pool.on('error', () => {})
  return pool
}

/**
 * pg itself, with pools that are guarded: for libraries that make their pool themselves and take pg as an option, such as
 * TypeORM's `driver`. Each pool is guarded as by {@link guardPool}; everything else of pg is as it was, but for `native`, which
 * is undefined: TypeORM would take its pools wherever pg-native is installed, and those cannot be guarded.
 */
export function guardDriver<Driver extends { readonly Pool: new (...options: never[]) => Pool }>(
  gate: Gate,
  pg: Driver,
): Driver {
  const guarded = new Proxy(pg.Pool, {
    construct: (Plain, options, target) => guardPool(gate, Reflect.construct(Plain, options, target)),
  })
  const replaced = new Map<string | symbol, unknown>([
    ['Pool', guarded],
    ['native', undefined],
  ])
  return new Proxy(pg, {
    get: (driver, name) => (replaced.has(name) ? replaced.get(name) : Reflect.get(driver, name)),
  })
}
