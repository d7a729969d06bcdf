// Guards the connections that Sequelize makes.

import type { Gate } from '../gate.ts'
import { type GuardedClient, GuardedConnections, requireUnused } from './guarded-connections.ts'

/** What is used of Sequelize: its hook for new connections, which are pg's. */
interface SequelizeLike {
  addHook(name: 'afterConnect', hook: (connection: unknown) => Promise<void>): unknown
}

/** And what its types do not show: its pools, with `replication` two. */
interface Pooled {
  readonly connectionManager?: { readonly pool?: SizedPool & { readonly read?: SizedPool; readonly write?: SizedPool } }
}

interface SizedPool {
  readonly size?: number
}

/**
 * As `guardPool`, for Sequelize with its dialect postgres: call it right after `new Sequelize(...)`. A connection that does
 * not pass makes the query reject with a GateClosedError. Returns the instance.
 * @throws TypeError if it has connections already.
 */
export function guardSequelize<Sequelize extends SequelizeLike>(gate: Gate, sequelize: Sequelize): Sequelize {
  const pool = (sequelize as Pooled).connectionManager?.pool
  requireUnused([pool, pool?.read, pool?.write].reduce((sum, each) => sum + (each?.size ?? 0), 0))
  const connections = new GuardedConnections(gate)
  sequelize.addHook('afterConnect', connection =>
    connections.admit(connection as GuardedClient & { end(): Promise<void> }),
  )
  return sequelize
}
