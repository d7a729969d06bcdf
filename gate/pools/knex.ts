// Guards the connections that Knex makes.

import type { Gate } from '../gate.ts'
import { type GuardedClient, GuardedConnections } from '../guarded-connections.ts'

/** What is used of Knex: its client makes connections of pg's. */
interface KnexLike {
  readonly client: { acquireRawConnection(): Promise<unknown> }
}

/**
 * As `guardPool`, for Knex: call it right after `knex({ client: 'pg', ... })`. A connection that does not pass makes the
 * query reject with a GateClosedError. Returns the instance.
 */
export function guardKnex<Knex>(gate: Gate, knex: Knex): Knex {
  const connections = new GuardedConnections(gate)
  const { client } = knex as KnexLike
  const acquire = client.acquireRawConnection
  client.acquireRawConnection = async () => {
    const connection = (await acquire.call(client)) as GuardedClient & { end(): Promise<void> }
    await connections.admit(connection)
    return connection
  }
  return knex
}
