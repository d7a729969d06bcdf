// Guards the connections that Sequelize makes.

import type { Gate } from '../gate.ts'
import { type GuardedClient, GuardedConnections, requireUnused } from './guarded-connections.ts'

/** What is used of Sequelize: its dialect makes connections of pg's. */
interface SequelizeLike {
  readonly dialect: { readonly connectionManager: { connect(config: unknown): Promise<unknown> } }
  /** With `replication` two. */
  readonly connectionManager?: { readonly pool?: SizedPool & { readonly read?: SizedPool; readonly write?: SizedPool } }
}

interface SizedPool {
  readonly size?: number
}

/**
 * As `guardPool`, for Sequelize with its dialect postgres: call it right after `new Sequelize(...)`. A connection that does
 * not pass makes the query reject with a GateClosedError. Hooks for `afterConnect` run behind that. Returns the instance.
 * @throws TypeError if it has connections already.
 */
export function guardSequelize<Sequelize>(gate: Gate, sequelize: Sequelize): Sequelize {
  const { dialect, connectionManager } = sequelize as SequelizeLike
  const pool = connectionManager?.pool
  requireUnused([pool, pool?.read, pool?.write].reduce((sum, each) => sum + (each?.size ?? 0), 0))
  const connections = new GuardedConnections(gate)
  const manager = dialect.connectionManager
  const connect = manager.connect
  manager.connect = async config => {
    const connection = (await connect.call(manager, config)) as GuardedClient & { end(): Promise<void> }
    await connections.admit(connection)
    return connection
  }
  return sequelize
}
