// Guards an app's own pool: every new connection is checked before use, the gate gets every schema error, and connections
// end when the gate has to release the ledger.

import type { Client, Pool, PoolClient } from 'pg'
import type { Gate } from './gate.ts'
import { goToItsHost, verifyFirst } from './pool-follows-gate.ts'
import { sendCancel } from './postgres/cancel.ts'

/**
 * Makes a pool hand out no connection to a database that the app does not match, or to another server than the one whose
 * ledger the gate has read: `connect` rejects with a GateClosedError (statusCode 503). The gate queries the ledger at once
 * when a query of the pool fails because the schema is not what it expected. When another session takes the ledger while
 * requests are still inside (a restore that they block, and that blocks them), running queries are cancelled and the
 * pool's connections end; new ones are checked. Of several hosts the pool uses the gate's. Returns the pool. A `verify`
 * that the pool already has runs after this one.
 */
export function guardPool(gate: Gate, pool: Pool): Pool {
  goToItsHost(gate, pool)
  verifyFirst(pool, connection => gate.verify(connection))
  // Every error that the server sends, whatever asked for it: also inside transactions and cursors.
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

/** Ends a connection at once. The server would finish its statement even without a client, so that is cancelled. */
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
