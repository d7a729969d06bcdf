// Where a gate and its app's pools connect to: from a connection string and libpq's variables, or from pg's own settings.

import type { Client, ClientConfig, Pool, PoolConfig } from 'pg'
import { type Authentication, guardAuthentication } from './postgres/authentication.ts'
import { clientConfig, prepareClient } from './postgres/client.ts'
import { ConnectionError } from './postgres/connection-error.ts'
import type { SessionAttributes } from './postgres/hosts.ts'
import { readSecret } from './postgres/secret.ts'
import { type Env, hasLibpqVariables, readTarget, type Target } from './postgres/target.ts'
import { tlsAttempts } from './postgres/tls.ts'

/**
 * A database and how to reach it, as libpq reads it. Made by `readConnection`, for `createGate` and `poolConfig`. Its
 * password is not enumerable: no log and no inspection shows it.
 */
export type Connection = Target

/** What `readConnection` takes. */
export interface ReadConnectionOptions {
  /** A connection string. Without one, that of `DATABASE_URL` or of the file that `DATABASE_URL_FILE` names. */
  readonly url?: string | undefined
  /** Where `DATABASE_URL` and libpq's `PG*` variables come from, and `PGPASSWORD_FILE`. Default `process.env`. */
  readonly env?: Env | undefined
}

/**
 * Reads which database an app uses. A connection string comes first; libpq's variables stand for what it leaves out.
 * Every parameter means what libpq documents, also where pg does not know it.
 * https://www.postgresql.org/docs/current/libpq-connect.html
 * @throws ConnectionError with every problem, also when no database is named or a certificate cannot be read.
 */
export function readConnection({ url, env = process.env }: ReadConnectionOptions = {}): Connection {
  const problems: string[] = []
  const text = url ?? readSecret(env, 'DATABASE_URL', problems)
  const password = readSecret(env, 'PGPASSWORD', problems)
  if (text === undefined && problems.length === 0 && !hasLibpqVariables(env))
    problems.push('No database configured. Set DATABASE_URL, DATABASE_URL_FILE or the PG* variables.')
  const target = problems.length === 0 ? readTarget(text, env, password, problems, 'app') : undefined
  if (target === undefined) throw new ConnectionError(...problems)
  // reads the certificates: a file that is missing is a problem now, and not at the first connection
  for (const endpoint of target.endpoints) tlsAttempts(target, endpoint)
  return target
}

const connectionOf = Symbol('schemagate connection')

/** The settings of a pool for a connection. `guardPool` or `followGate` then sends it to the gate's host and server. */
export function poolConfig(connection: Connection): PoolConfig {
  const [endpoint] = connection.endpoints
  const config = clientConfig(connection, endpoint, tlsAttempts(connection, endpoint)[0])
  return { ...config, [connectionOf]: connection } as PoolConfig
}

/** The connection that a pool was made for; undefined for one that pg itself can read, from settings or one host's URL. */
export function connectionOfPool(pool: Pool): Connection | undefined {
  const made = Reflect.get(pool.options, connectionOf) as Connection | undefined
  const { connectionString } = pool.options
  if (made !== undefined || connectionString === undefined) return made
  const connection = readConnection({ url: connectionString, env: environmentOf(pool.options) })
  return connection.endpoints.length > 1 ? connection : undefined
}

/** Of the three exactly one is used, in this order. */
export interface ConnectionOptions {
  readonly url?: string | undefined
  readonly connection?: ClientConfig | Connection | undefined
  readonly pool?: Pick<Pool, 'options'> | undefined
}

/** How a gate connects: to which hosts, and in which ways to each. */
export interface Connections {
  readonly hosts: number
  readonly attributes: SessionAttributes
  /** The most that one try may take, in milliseconds, where the connection string says so. */
  readonly connectTimeout: number | undefined
  /** How many ways there are to connect to a host: with sslmode `allow` two, without and with TLS. */
  attempts(host: number): number
  config(host: number, attempt: number): ClientConfig
  /** How the server may ask for a password. */
  readonly authentication: Authentication
  /** Whatever pg has no settings for. Before the client connects. */
  prepare(client: Client): void
}

/** @throws TypeError when none of the three is given, or a connection string cannot be used. */
export function connectionsOf({ url, connection, pool }: ConnectionOptions): Connections {
  if (url !== undefined) return connectionsTo(readConnection({ url }))
  const given = connection ?? (pool && (Reflect.get(pool.options, connectionOf) ?? pool.options))
  if (given === undefined) throw new TypeError('createGate needs a url, a connection or a pool')
  if (isConnection(given)) return connectionsTo(given)
  const config = ownSettings(given)
  if (config.connectionString === undefined) return connectionsBy(config)
  const target = readConnection({ url: config.connectionString, env: environmentOf(given) })
  return connectionsTo(target, config)
}

function connectionsTo(target: Target, { connectionString: _, ...given }: ClientConfig = {}): Connections {
  const { endpoints, sessionAttributes, connectTimeout } = target
  // TLS settings in the terms of Node, beside a connection string that says nothing of TLS
  const ownTls = given.ssl !== undefined && target.sslMode === 'prefer'
  return {
    hosts: endpoints.length,
    attributes: sessionAttributes,
    connectTimeout: connectTimeout || undefined,
    authentication: target.authentication!,
    attempts: host => tlsAttempts(target, endpoints[host]!).length,
    config: (host, attempt) => {
      const config = clientConfig(target, endpoints[host]!, tlsAttempts(target, endpoints[host]!)[attempt]!)
      return { ...given, ...config, password: config.password ?? given.password, ...(ownTls && { ssl: given.ssl }) }
    },
    prepare: client => prepareClient(client, target, { ownTls }),
  }
}

/** By pg's own settings, which name one host. Of libpq's variables those count that pg does not know. */
function connectionsBy(config: ClientConfig): Connections {
  const { PGCHANNELBINDING, PGREQUIREAUTH } = process.env
  const problems: string[] = []
  const target = readTarget(undefined, { PGCHANNELBINDING, PGREQUIREAUTH }, undefined, problems, 'app')
  if (target === undefined) throw new ConnectionError(...problems)
  const authentication = target.authentication!
  const bound = authentication.channelBinding === 'require'
  return {
    hosts: 1,
    attributes: 'any',
    connectTimeout: undefined,
    authentication,
    attempts: () => 1,
    config: () => ({ ...config, ...(bound && { enableChannelBinding: true }) }),
    prepare: client => guardAuthentication(client, authentication),
  }
}

function isConnection(given: ClientConfig | Connection): given is Connection {
  return 'endpoints' in given
}

/** What pg's settings say beside a connection string, in the place of libpq's variables. */
function environmentOf({ host, port, user, database }: ClientConfig): Env {
  const own = { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database }
  const said = Object.entries(own).filter(([, value]) => value !== undefined && value !== null)
  return { ...process.env, ...Object.fromEntries(said.map(([name, value]) => [name, String(value)])) }
}

function ownSettings(given: ClientConfig): ClientConfig {
  const config: ClientConfig = { ...given }
  // A pool hides its password from enumeration.
  if (given.password !== undefined) config.password = given.password
  // The gate has limits of its own: an app's statement timeout would end its queries, or its hold of the ledger. And the
  // app's parsers may give texts where the gate asks for numbers and booleans.
  for (const name of [
    'types',
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
    'query_timeout',
  ] as const) {
    delete config[name]
  }
  return config
}
