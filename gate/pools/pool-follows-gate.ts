// A pool that connects to the host of its gate, and never to another server.

import type { Client, ClientConfig, Pool } from 'pg'
import { type Connection, connectionOfPool, connectionsOf } from '../connection.ts'
import type { Gate } from '../gate.ts'
import { guardAuthentication } from '../postgres/authentication.ts'
import { clientConfig, prepareClient } from '../postgres/client.ts'
import { tlsAttempts } from '../postgres/tls.ts'
import { queryable, requireUnused } from './guarded-connections.ts'

type ClientConstructor = new (config?: ClientConfig) => Client

/**
 * Makes each new connection of a pool lead to the gate's host, if the pool's connection string has several; pg itself can
 * read only one. A connection to another server than the one whose ledger the gate has read is not handed out (`connect`
 * rejects with a GateClosedError): the gate moved while it was opened, or one address leads to several servers.
 * `guardPool` does this, too. Returns the pool. A `verify` that the pool already has runs after this one.
 * @throws TypeError if pool and gate were not given the same hosts, or the pool has connections already.
 */
export function followGate(gate: Gate, pool: Pool): Pool {
  goToItsHost(gate, pool)
  verifyFirst(pool, client => gate.verifyServer(queryable(client)))
  return pool
}

/**
 * Sends new connections to the gate's host, in the way that the gate has connected (`sslmode=prefer`: with TLS or without),
 * and with a login that the connection string allows.
 * @throws TypeError if pool and gate were not given the same hosts.
 */
export function goToItsHost(gate: Gate, pool: Pool): void {
  const made: { Client: ClientConstructor } = Object(pool)
  const { Client: Plain } = made
  const connection = connectionOfPool(pool)
  if (connection === undefined) {
    const { authentication } = connectionsOf({ pool })
    if (authentication.channelBinding !== 'require' && authentication.methods === undefined) return
    made.Client = class extends Plain {
      constructor(config?: ClientConfig) {
        // as it is: a pool's options hide their password from being copied
        super(config)
        Object.assign(this, { enableChannelBinding: authentication.channelBinding !== 'disable' })
        guardAuthentication(this, authentication)
      }
    }
    return
  }
  made.Client = clientAt(gate, connection, Plain)
}

function clientAt(gate: Gate, connection: Connection, Plain: ClientConstructor): ClientConstructor {
  const { endpoints, connectTimeout } = connection
  if (endpoints.length !== gate.hosts)
    throw new TypeError(`The pool names ${endpoints.length} hosts, the gate ${gate.hosts}: give both the same.`)
  return class extends Plain {
    constructor(config?: ClientConfig) {
      const { own, problem } = settingsNow()
      super({
        ...config,
        connectionString: undefined,
        ...own,
        password: own?.password ?? config?.password,
        ...(connectTimeout && { connectionTimeoutMillis: connectTimeout }),
      })
      prepareClient(this, connection)
      if (own === undefined) failToConnect(this, problem)
    }
  }

  /** Reads the certificates again, which fails while they are replaced, or while no more files can be opened. */
  function settingsNow(): { readonly own?: ClientConfig; readonly problem?: unknown } {
    const endpoint = endpoints[gate.host]!
    try {
      const attempts = tlsAttempts(connection, endpoint)
      return { own: clientConfig(connection, endpoint, attempts[gate.attempt] ?? attempts[0]) }
    } catch (problem) {
      return { problem }
    }
  }
}

/** Not in the constructor: pools call that where nobody would catch what it throws. */
function failToConnect(client: Client, problem: unknown): void {
  const connect = (done?: (error: unknown) => void) =>
    done === undefined ? Promise.reject(problem) : process.nextTick(done, problem)
  Object.assign(client, { connect })
}

/**
 * A new connection is the pool's only once `check` resolves: until then neither its own `onConnect` and `verify` nor what
 * listens to its `connect` event gets it.
 * @throws TypeError if the pool has connections already.
 */
export function verifyFirst(pool: Pool, check: (client: Client) => Promise<void>): void {
  requireUnused(pool.totalCount)
  const made: { Client: ClientConstructor } = Object(pool)
  made.Client = class extends made.Client {
    constructor(config?: ClientConfig) {
      super(config)
      const connect = this.connect.bind(this)
      // pools always pass a function
      const connectAndCheck = (done: (error?: Error) => void) =>
        connect((error: Error | null) => {
          if (error) return done(error)
          check(this).then(
            () => done(),
            (refused: Error) => {
              this.end(() => {})
              done(refused)
            },
          )
        })
      Object.assign(this, { connect: connectAndCheck })
    }
  }
}
