// Connections of an app's own that a gate guards: checked before use, listened to, and ended when the ledger is released.

import type { Duplex } from 'node:stream'
import { type Client, types } from 'pg'
import type { Gate } from '../gate.ts'
import { type ServerAddress, sendCancel } from '../postgres/cancel.ts'
import type { Queryable } from '../reading/queryable.ts'
import { GateClosedError } from '../status.ts'

/** A connection of pg's, as pools of any kind make them. */
export type GuardedClient = Pick<Client, 'connection' | 'host' | 'port' | 'query' | 'on' | 'once'>

/** The connections of one pool, or of one library that makes them. All of one gate's end together. */
export class GuardedConnections {
  readonly #gate: Gate
  readonly #connections: Set<GuardedClient>
  readonly #stream: ServerAddress['stream']

  /** @param stream makes the connections' sockets, where the pool has a way of its own. */
  constructor(gate: Gate, stream?: ServerAddress['stream']) {
    this.#gate = gate
    this.#stream = stream
    this.#connections = connectionsOf.get(gate) ?? watchConnections(gate)
  }

  /**
   * Guards a connection from now on: the gate gets every error that the server sends, whatever asked for it, also inside
   * transactions and cursors. A connection that is lost between two queries does not end the process.
   * @throws TypeError for one of pg-native, which can neither be listened to nor ended.
   */
  add(client: GuardedClient): void {
    const { connection }: Partial<GuardedClient> = client
    if (connection === undefined)
      throw new TypeError(
        'A connection of pg-native cannot be guarded: use pg without it (pg.Pool; in Knex the client pg).',
      )
    this.#connections.add(client)
    streamOf.set(client, this.#stream)
    connection.on('errorMessage', (error: unknown) => this.#gate.observe(error))
    askFirst(this.#gate, connection.stream)
    client.on('error', () => {})
    client.once('end', () => this.#connections.delete(client))
  }

  /**
   * Checks a connection before it is used.
   * @throws GateClosedError if it leads to a database that the app does not match, or to another server than the gate's.
   */
  async verify(client: Pick<Client, 'query'>): Promise<void> {
    try {
      await this.#gate.verify(queryable(client))
    } catch (error) {
      // not the network's error, though it looks so
      if (ended.has(client) && !this.#gate.isOpen) throw new GateClosedError(this.#gate.status)
      throw error
    }
  }

  /** Guards a new connection, and checks it; one that does not pass is ended. @throws GateClosedError as {@link verify}. */
  async admit(client: GuardedClient & Pick<Client, 'end'>): Promise<void> {
    try {
      this.add(client)
      await this.verify(client)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
  }
}

/** @throws TypeError if a pool has connections already. */
export function requireUnused(connections: number): void {
  if (connections > 0)
    throw new TypeError('The pool has connections that were not checked. Guard it right after it was made.')
}

/** Those of all pools: one listener for a gate, since pools come and go. */
const connectionsOf = new WeakMap<Gate, Set<GuardedClient>>()

function watchConnections(gate: Gate): Set<GuardedClient> {
  const connections = new Set<GuardedClient>()
  connectionsOf.set(gate, connections)
  gate.on('evict', () => {
    for (const client of connections) end(client)
  })
  gate.on('hold', mayGoOn => {
    for (const client of connections) void hold(client, mayGoOn)
  })
  return connections
}

/** With pg's own parsers: a pool's may leave a boolean as text. */
export function queryable(client: Pick<Client, 'query'>): Queryable {
  return { query: async <Row extends object>(text: string) => (await client.query<Row>({ text, types })).rows }
}

/** Those that were ended here. */
const ended = new WeakSet<object>()

const streamOf = new WeakMap<GuardedClient, ServerAddress['stream']>()

/** Ends a connection at once. The server would finish its statement even without a client, so that is cancelled. */
function end(client: GuardedClient): void {
  ended.add(client)
  const { host, port, processID: pid, secretKey: secret } = client as GuardedClient & Keys
  if (pid !== null && secret !== null) sendCancel({ host, port, stream: streamOf.get(client) }, { pid, secret })
  client.connection.stream.destroy()
}

/**
 * After the process was blocked for long, what blocked it may itself send next, or an answer be read, before any timer could
 * notice: the gate is asked at each.
 */
function askFirst(gate: Gate, stream: Pick<Duplex, 'write' | 'push'>): void {
  for (const name of ['write', 'push'] as const) {
    const method = stream[name]
    stream[name] = (...values: unknown[]) => {
      void gate.state
      return Reflect.apply(method, stream, values)
    }
  }
}

/** Stops a connection until it may go on, or has to end. */
async function hold(client: GuardedClient, mayGoOn: Promise<boolean>): Promise<void> {
  const { stream } = client.connection
  stream.cork()
  stream.pause()
  if (!(await mayGoOn)) return end(client)
  stream.uncork()
  stream.resume()
}

/** From the protocol's BackendKeyData; pg has it, its types do not. */
interface Keys {
  readonly processID: number | null
  readonly secretKey: number | null
}
