// Where a gate connects to: from a URL, from pg's own settings, or from those of a pool.

import type { ClientConfig, Pool } from 'pg'
import { authenticationOf } from './postgres/authentication.ts'
import { hostsOf, type SessionAttributes } from './postgres/hosts.ts'

/** Of the three exactly one is used, in this order. */
export interface ConnectionOptions {
  readonly url?: string | undefined
  readonly connection?: ClientConfig | undefined
  readonly pool?: Pick<Pool, 'options'> | undefined
}

/** Hosts in the order in which they are tried, and what their server must be. */
export interface Connections {
  readonly hosts: readonly ClientConfig[]
  readonly attributes: SessionAttributes
}

/** @throws TypeError when none of the three is given, or its hosts cannot be told apart. */
export function connectionsOf(options: ConnectionOptions): Connections {
  const config = configOf(options)
  // a wrong value is told now, and not at each look
  authenticationOf(config.connectionString)
  if (config.connectionString === undefined) return { hosts: [config], attributes: 'any' }
  const { urls, attributes } = hostsOf(config.connectionString)
  return { hosts: urls.map(connectionString => ({ ...config, connectionString })), attributes }
}

function configOf({ url, connection, pool }: ConnectionOptions): ClientConfig {
  if (url !== undefined) return { connectionString: url }
  const given = connection ?? pool?.options
  if (given === undefined) throw new TypeError('createGate needs a url, a connection or a pool')
  const config: ClientConfig = { ...given }
  // A pool hides its password from enumeration.
  if (given.password !== undefined) config.password = given.password
  // The gate has limits of its own: an app's statement timeout would end its looks, or its hold of the ledger.
  for (const name of [
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
    'query_timeout',
  ] as const) {
    delete config[name]
  }
  return config
}
