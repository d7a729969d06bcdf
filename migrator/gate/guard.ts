// The guard on an app's own pool: every new connection is looked at before it is used, every schema error is shown to the gate.

import type { Pool } from 'pg'
import type { Gate } from './gate.ts'

/**
 * Makes a pool give out no new connection that leads to a database which the app does not match (its users get a
 * GateClosedError, statusCode 503), and makes the gate look at once when a query fails because the schema is not what
 * it expected. Returns the pool. A `verify` that the pool already has is kept, after this one.
 */
export function guardPool(gate: Gate, pool: Pool): Pool {
  const own = pool.options.verify
  pool.options.verify = (client, done) => {
    const queryable = {
      query: async <Row extends object>(text: string) => (await client.query<Row>(text)).rows,
    }
    gate.verify(queryable).then(
      () => (own === undefined ? done() : own(client, done)),
      (error: Error) => done(error),
    )
  }
  // Every error that the server sends on a connection, whoever asked: inside transactions and cursors as well.
  pool.on('connect', client => {
    client.connection.on('errorMessage', (error: unknown) => gate.observe(error))
  })
  return pool
}
