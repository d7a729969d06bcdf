// The guard on an app's own pool: every new connection is looked at before it is used, every schema error is shown to the
// gate, and no connection outlives a ledger that the gate had to give up.

import type { Client, Pool, PoolClient } from 'pg'
import type { Gate } from './gate.ts'
import { goToItsHost, verifyFirst } from './pool-follows-gate.ts'
import { sendCancel } from './postgres/cancel.ts'

/**
 * Makes a pool give out no new connection that leads to a database which the app does not match, or to another server than
 * the one that the gate has looked at (its users get a GateClosedError, statusCode 503), and makes the gate look at once when a query fails because the schema is not what
 * it expected. When somebody takes the ledger away while requests are still inside, as a restore does that waits for
 * them and makes them wait, the pool's connections are ended: what they were doing is cancelled, and whoever asks again
 * gets a new connection, which is looked at. Of several hosts it goes to the one that the gate is at. Returns the pool. A
 * `verify` that the pool already has is kept, after this one.
 */
export function guardPool(gate: Gate, pool: Pool): Pool {
  goToItsHost(gate, pool)
  verifyFirst(pool, connection => gate.verify(connection))
  // Every error that the server sends on a connection, whoever asked: inside transactions and cursors as well.
  const connections = new Set<PoolClient>()
  pool.on('connect', client => {
    connections.add(client)
    client.connection.on('errorMessage', (error: unknown) => gate.observe(error))
  })
  pool.on('remove', client => connections.delete(client))
  gate.on('evict', () => {
    for (const client of connections) end(client)
  })
  return pool
}

/** At once, whatever it does. The server would finish a statement for a client that is gone, so it is told to stop. */
function end(client: PoolClient): void {
  const { host, port, processID: pid, secretKey: secret } = client as PoolClient & Client & Keys
  if (pid !== null && secret !== null) sendCancel({ host, port }, { pid, secret })
  client.connection.stream.destroy()
}

/** From the protocol's BackendKeyData; pg has it, its types do not. */
interface Keys {
  readonly processID: number | null
  readonly secretKey: number | null
}
