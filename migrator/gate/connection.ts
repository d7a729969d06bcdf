// Where a gate connects to: from a URL, from pg's own settings, or from those of a pool.

import type { ClientConfig, Pool } from 'pg'

/** Of the three exactly one is used, in this order. */
export interface ConnectionOptions {
  readonly url?: string | undefined
  readonly connection?: ClientConfig | undefined
  readonly pool?: Pick<Pool, 'options'> | undefined
}

/** @throws TypeError when none of the three is given. */
export function connectionOf({ url, connection, pool }: ConnectionOptions): ClientConfig {
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
