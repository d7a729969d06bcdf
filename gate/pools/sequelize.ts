// Guards the connections that Sequelize makes.

import type { Gate } from '../gate.ts'
import { type GuardedClient, GuardedConnections } from '../guarded-connections.ts'

/** What is used of Sequelize: its hook for new connections, which are pg's. */
interface SequelizeLike {
  addHook(name: 'afterConnect', hook: (connection: unknown) => Promise<void>): unknown
}

/**
 * As `guardPool`, for Sequelize with its dialect postgres: call it right after `new Sequelize(...)`. A connection that does
 * not pass makes the query reject with a GateClosedError. Returns the instance.
 */
export function guardSequelize<Sequelize extends SequelizeLike>(gate: Gate, sequelize: Sequelize): Sequelize {
  const connections = new GuardedConnections(gate)
  sequelize.addHook('afterConnect', connection =>
    connections.admit(connection as GuardedClient & { end(): Promise<void> }),
  )
  return sequelize
}
