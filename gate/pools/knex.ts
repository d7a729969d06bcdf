// Guards the connections that Knex makes.

import type { Gate } from '../gate.ts'
import { type GuardedClient, GuardedConnections, requireUnused } from './guarded-connections.ts'

/**
 * What is used of Knex: its client makes connections of pg's, for a pool of its own or takes them from one that it was
 * given.
 */
interface KnexLike {
  readonly client: {
    acquireRawConnection(): Promise<unknown>
    readonly pool?: { numUsed(): number; numFree(): number; numPendingCreates(): number }
    readonly config?: { readonly connectionPool?: unknown }
  }
}

/**
 * As `guardPool`, for Knex: call it right after `knex({ client: 'pg', ... })`. A connection that does not pass makes the
 * query reject with a GateClosedError. Returns the instance.
 * @throws TypeError if it has connections already, or was given a pool (`connectionPool`): guard that by `guardPool`.
 */
export function guardKnex<Knex>(gate: Gate, knex: Knex): Knex {
  const { client } = knex as KnexLike
  const { pool, config } = client
  if (config?.connectionPool)
    throw new TypeError(
      'This Knex takes its connections from the pool that it was given: guard that one, by guardPool.',
    )
  requireUnused(pool ? pool.numUsed() + pool.numFree() + pool.numPendingCreates() : 0)
  const connections = new GuardedConnections(gate)
  const acquire = client.acquireRawConnection
  client.acquireRawConnection = async () => {
    const connection = (await acquire.call(client)) as GuardedClient & { end(): Promise<void> }
    await connections.admit(connection)
    return connection
  }
  return knex
}
