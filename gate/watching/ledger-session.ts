// One connection of a gate's own: opened within a time limit, one query at a time, its loss reported at once.

import { Client } from 'pg'
import type { Connections } from '../connection.ts'
import { requireKind, type ServerKind, type SessionAttributes, serverKindColumns } from '../postgres/hosts.ts'
import { failByUnreadable } from '../postgres/protocol-error.ts'
import { sqlstate } from '../postgres/sqlstate.ts'
import { isTlsRefusal } from '../postgres/tls.ts'
import { listenSql } from '../protocol/notifications.ts'
import { serverExpression, sqlState } from '../reading/ledger-query.ts'

/** What a session is opened with. */
export interface SessionOptions {
  readonly connections: Connections
  /** The index of the host to connect to. */
  readonly host: number
  readonly applicationName: string
  /** The most that connecting may take, in milliseconds. */
  readonly connectTimeout: number
  /** The most that an answer may take, in milliseconds: then the connection is ended. */
  readonly answerTimeout: number
  /** Called once, when the connection is lost; not when it is closed here. */
  readonly onLost: (error: Error) => void
  readonly onNotification?: () => void
  /** Called with the way to connect (the index of an attempt) in which a server has answered, also if it refused the login. */
  readonly onAnswer?: (attempt: number) => void
}

/** An open connection. Queries run one after another. */
export interface Session {
  /** Behind a pooler in transaction mode: no setting of this connection lasts, and LISTEN receives nothing. */
  readonly pooled: boolean
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /**
   * Sends a text that is sent again and again: the server plans it once, where this is a connection to one server.
   * @param first a statement that is run before it, sent with it.
   */
  repeat<Row extends object>(text: string, first?: string): Promise<Row[]>
  /** Ends the connection, with a goodbye if the server answers at once. Never fails. */
  close(): Promise<void>
}

/**
 * Connects.
 * @throws the server's or the network's error, within `connectTimeout`.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { connections, host } = options
  for (let attempt = 0; ; attempt++) {
    const { ssl = false } = connections.config(host, attempt)
    try {
      const session = await openOnce(options, attempt)
      options.onAnswer?.(attempt)
      return session
    } catch (error) {
      if (attempt + 1 < connections.attempts(host) && isTlsRefusal(error, ssl)) continue
      if (sqlState(error) !== undefined) options.onAnswer?.(attempt)
      throw error
    }
  }
}

async function openOnce(options: SessionOptions, attempt: number): Promise<Session> {
  const { connections, connectTimeout } = options
  const client = new Client({
    ...connections.config(options.host, attempt),
    application_name: options.applicationName,
    connectionTimeoutMillis: Math.min(connectTimeout, connections.connectTimeout ?? connectTimeout),
    keepAlive: true,
  })
  connections.prepare(client)
  failByUnreadable(client)
  const session = new ClientSession(client, options)
  await session.open()
  return session
}

class ClientSession implements Session {
  readonly #client: Client
  readonly #answerTimeout: number
  readonly #onLost: (error: Error) => void
  readonly #prepared = new Map<string, string>()
  #pooled = true
  #isOpen = false
  #isOver = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor(client: Client, { answerTimeout, onLost, onNotification }: SessionOptions) {
    this.#client = client
    this.#answerTimeout = answerTimeout
    this.#onLost = onLost
    // Both may come, in any order, and `error` again after `end`: the listeners stay for good.
    client.on('error', error => this.#lose(error))
    client.on('end', () => this.#lose(new Error('The connection was closed by the server')))
    client.on('notification', () => onNotification?.())
  }

  get pooled(): boolean {
    return this.#pooled
  }

  async open(): Promise<void> {
    try {
      await this.#client.connect()
      // A pooler reports a process id of its own.
      const [row] = await this.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
      this.#isOpen = !this.#isOver
      this.#pooled = row?.pid !== processId(this.#client)
    } catch (error) {
      this.#isOver = true
      this.#cut()
      throw error
    }
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    const answer = this.#turn.then(() => this.#ask<Row>(text, values))
    this.#turn = answer.catch(() => {})
    return answer
  }

  // As simple queries: see lookSql.
  async repeat<Row extends object>(text: string, first?: string): Promise<Row[]> {
    const before = first === undefined ? '' : `${first}; `
    if (this.#pooled) return this.query(before + text)
    let name = this.#prepared.get(text)
    if (name === undefined) {
      name = `schemagate_${this.#prepared.size + 1}`
      await this.query(`prepare ${name} as ${text}`)
      this.#prepared.set(text, name)
    }
    return this.query(`${before}execute ${name}`)
  }

  async close(): Promise<void> {
    if (!this.#isOver) {
      this.#isOver = true
      const late = setTimeout(() => this.#cut(), 250)
      await this.#client.end().catch(() => {})
      clearTimeout(late)
    }
    this.#cut()
  }

  async #ask<Row extends object>(text: string, values: readonly unknown[] | undefined): Promise<Row[]> {
    if (this.#isOver) throw new Error('The connection is closed')
    const timeout = this.#answerTimeout
    const late = setTimeout(() => this.#lose(new Error(`No answer in ${timeout} ms`)), timeout)
    try {
      // an array where the text has several statements, which the types do not say
      const results = [await this.#client.query<Row>(text, values && [...values])].flat()
      return results.at(-1)!.rows
    } finally {
      clearTimeout(late)
    }
  }

  #lose(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cut()
    if (this.#isOpen) this.#onLost(error)
  }

  /** `end()` waits for a server that has stopped answering. */
  #cut(): void {
    this.#client.connection.stream.destroy()
  }
}

// From the protocol's BackendKeyData; pg has it, its types do not.
function processId(client: Client): unknown {
  return 'processID' in client ? client.processID : undefined
}

// The most that a query waits for a session that has the table locked, in milliseconds.
const LOCK_TIMEOUT = 500

/** The same for a query that asks whether somebody waits for a table that this gate itself holds, on another session. */
export const SHORT_LOCK_TIMEOUT = 50

// Limits that would end a listening session, or a hold of the ledger, again and again. Not every version has them.
const LIMITS = ['idle_session_timeout', 'transaction_timeout']

/** What a session is set to once it is open. Times are in milliseconds. */
export interface SessionSettings {
  readonly applicationName: string
  /** The most that a query may take, in milliseconds. */
  readonly statementTimeout: number
  /** The most that it waits for a lock. */
  readonly lockTimeout?: number
  /** For how long a transaction may be asked nothing: then the server ends it, and what it holds. */
  readonly idleTimeout: number
}

/**
 * Sets a direct connection's settings. The defaults of a role or a database could make queries see an old snapshot, or
 * never end.
 */
export async function settle(
  session: Session,
  { applicationName, statementTimeout, lockTimeout = LOCK_TIMEOUT, idleTimeout }: SessionSettings,
): Promise<void> {
  const settings = {
    application_name: applicationName,
    search_path: 'pg_catalog',
    statement_timeout: String(statementTimeout),
    lock_timeout: String(lockTimeout),
    idle_in_transaction_session_timeout: String(idleTimeout),
    default_transaction_isolation: 'read committed',
    // What the server takes for much work is little: to compile code for it takes a hundred times as long.
    jit: 'off',
    // The server's kernel notices within a dozen seconds that this app's machine is gone, and with it its locks.
    tcp_keepalives_idle: '5',
    tcp_keepalives_interval: '2',
    tcp_keepalives_count: '3',
  }
  const calls = Object.keys(settings).map((name, i) => `pg_catalog.set_config('${name}', $${i + 1}, false)`)
  // Without pg_settings: in a new session that view takes longer than all the rest of opening a gate's.
  for (const name of LIMITS)
    calls.push(
      `case when pg_catalog.current_setting('${name}', true) is not null then pg_catalog.set_config('${name}', '0', false) end`,
    )
  await session.query(`select ${calls.join(', ')}`, Object.values(settings))
}

/** @throws WrongServerError if the session's server is not of the wanted kind. */
export async function requireServer(
  session: Session,
  wanted: Exclude<SessionAttributes, 'prefer-standby'>,
): Promise<void> {
  if (wanted === 'any') return
  const [kind] = await session.query<ServerKind>(`select ${serverKindColumns}`)
  requireKind(kind!, wanted)
}

/** Sets the name that `pg_stat_activity` shows. */
export async function rename(session: Session, applicationName: string): Promise<void> {
  await session.query("select pg_catalog.set_config('application_name', $1, false)", [applicationName])
}

/** Listens on the channel of a ledger. False at a standby, which refuses LISTEN: there the gate only polls. */
export async function listen(session: Session, schema: string): Promise<boolean> {
  try {
    await session.query(listenSql(schema))
    return true
  } catch (error) {
    if (sqlState(error) !== sqlstate.readOnly) throw error
    return false
  }
}

/** Ends what `listen` began. */
export async function unlisten(session: Session): Promise<void> {
  await session.query('unlisten *')
}

/** Which server a connection leads to, to be compared with that of another connection. */
export async function identify(connection: Pick<Session, 'query'>): Promise<string> {
  const [row] = await connection.query<{ server: string }>(`select ${serverExpression} as server`)
  return row!.server
}
