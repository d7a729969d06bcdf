// The gate: open only while the database carries the schema that this app was built for.

import { EventEmitter } from 'node:events'
import type { ClientConfig, Pool } from 'pg'
import { Door } from './admission.ts'
import { connectionsOf } from './connection.ts'
import { SCHEMA_STATES, sqlState } from './ledger-query.ts'
import type { Queryable } from './ledger-reader.ts'
import { identify } from './ledger-session.ts'
import { type Manifest, requireMigrations } from './protocol/manifest.ts'
import { GateClosedError, type GateState, type GateStatus, GateTimeoutError, statusOf, unreachable } from './status.ts'
import { Watch } from './watcher.ts'

export interface GateOptions {
  /**
   * The database's URL, the app role's. One of `url`, `connection` and `pool` is needed. It may name several hosts; then
   * the gate is at the first whose server suits `target_session_attrs` (`read-write` where that is not set).
   */
  readonly url?: string | undefined
  /** The same as `pg` takes it. */
  readonly connection?: ClientConfig | undefined
  /** A pool whose connection settings are taken; none of its connections is. */
  readonly pool?: Pick<Pool, 'options'> | undefined
  /** What this app was built with: `readManifest(file)`. */
  readonly manifest: Manifest
  /** Where the ledger lives. Default `schemagate`. */
  readonly schema?: string | undefined
  /** How often an open gate looks at the ledger besides being told, in milliseconds. Default 1000. */
  readonly pollInterval?: number | undefined
  /** How often a closed gate looks. Default 250. */
  readonly closedPollInterval?: number | undefined
  /** How long the last answer holds when no new one comes. Default 5000. */
  readonly staleAfter?: number | undefined
  /** The most that one try to connect may take, shared by all hosts. Default 2000. */
  readonly connectTimeout?: number | undefined
  /** Announce the app's head in `application_name`, for migrators about to break it. Default true. */
  readonly announce?: boolean | undefined
  /** Keep the ledger locked (ACCESS SHARE) while open, on a second connection, so that it cannot be dropped or
   *  restored over before the gate has closed. Default true. */
  readonly fence?: boolean | undefined
  /** What else must end before this app lets go for a breaking migration: job queues, streams. Requests are counted. */
  readonly drain?: (() => Promise<void> | void) | undefined
}

/**
 * `change` comes with the new status and the one before. `evict`: the ledger is about to be taken away while work is still
 * inside, or the gate has moved to another server; what goes on after this may meet another schema. A guarded pool ends its
 * connections.
 */
export interface GateEvents {
  change: [status: GateStatus, previous: GateStatus]
  evict: []
}

export interface WhenOpenOptions {
  /** In milliseconds; without one it waits for ever. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const DEFAULTS = {
  schema: 'schemagate',
  pollInterval: 1000,
  closedPollInterval: 250,
  staleAfter: 5000,
  connectTimeout: 2000,
  announce: true,
  fence: true,
} as const

const OTHER_SERVER = 'The connection led to another server than the one that the gate has looked at.'

/**
 * Makes a gate. It starts closed and looks at once; until the first answer its state is `unreachable`. It never throws
 * or rejects because of the database, and keeps the process alive until `close`.
 * @throws TypeError when the options name no database, or hosts that cannot be told apart; ManifestError when the manifest
 * has no migrations.
 */
export function createGate(options: GateOptions): Gate {
  return new Gate(options)
}

/** See `createGate`. */
export class Gate extends EventEmitter<GateEvents> {
  readonly #door: Door
  readonly #watch: Watch
  #closed = false

  constructor(options: GateOptions) {
    super()
    // Everyone who waits for the gate listens, and a worker may wait many times over.
    this.setMaxListeners(0)
    const { manifest, drain } = options
    requireMigrations(manifest)
    const settings = { ...DEFAULTS, ...defined(options) }
    const { staleAfter } = settings
    this.#door = new Door(
      unreachable(manifest, undefined, 'The database has not been looked at yet.'),
      () => unreachable(manifest, undefined, `The database has given no answer for ${staleAfter} ms.`),
      // A listener that throws must fail as listeners do, and not stop the watch.
      (status, previous) => process.nextTick(() => this.emit('change', status, previous)),
    )
    const connections = connectionsOf(options)
    const evict = () => process.nextTick(() => this.emit('evict'))
    this.#watch = new Watch({ ...settings, connections, manifest, drain, evict }, this.#door)
  }

  /** One comparison in memory. */
  get isOpen(): boolean {
    return this.#door.isOpen
  }

  get state(): GateState {
    return this.#door.status.state
  }

  /** One sentence for people, safe to show to anyone who may call the app. */
  get detail(): string {
    return this.#door.status.detail
  }

  get status(): GateStatus {
    return this.#door.status
  }

  /** How many hosts the connection string names. */
  get hosts(): number {
    return this.#watch.hosts
  }

  /** Which of them the gate is at, or was at last, from 0. */
  get host(): number {
    return this.#watch.host
  }

  /** Goes in if the gate is open: true, and then `leave` must be called, or a breaking migration waits for it in vain. */
  enter(): boolean {
    return this.#door.enter()
  }

  /** Ends what `enter` began. */
  leave(): void {
    this.#door.leave()
  }

  /** Runs a piece of work inside the gate, as a worker without requests does. @throws GateClosedError if it is closed. */
  async run<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    if (!this.enter()) throw new GateClosedError(this.status)
    try {
      return await work()
    } finally {
      this.leave()
    }
  }

  /** Looks now, and gives what that look said. */
  async check(): Promise<GateStatus> {
    await this.#watch.check()
    return this.status
  }

  /**
   * Resolves when the gate is open, at once if it is.
   * @throws GateTimeoutError after `timeout` milliseconds, the signal's reason when it is aborted, GateClosedError when
   * the gate is ended meanwhile.
   */
  async whenOpen({ timeout, signal }: WhenOpenOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.isOpen) return
    if (this.#closed) throw new GateClosedError(this.status)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onChange = () => {
      if (this.isOpen) resolve()
      else if (this.#closed) reject(new GateClosedError(this.status))
    }
    const onAbort = () => reject(signal?.reason)
    const late =
      timeout === undefined ? undefined : setTimeout(() => reject(new GateTimeoutError(this.status, timeout)), timeout)
    this.on('change', onChange)
    signal?.addEventListener('abort', onAbort)
    try {
      await promise
    } finally {
      clearTimeout(late)
      this.off('change', onChange)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Shows the gate an error that a query of the app's has failed with: one that says that the schema is not what the
   * code expects makes it look at once.
   */
  observe(error: unknown): void {
    const code = sqlState(error)
    if (code !== undefined && SCHEMA_STATES.has(code)) this.#watch.ring()
  }

  /**
   * Looks at the ledger over a connection of the app's own.
   * @throws GateClosedError when that connection leads to a database which the app does not match, or to another server
   * than the one that the gate has looked at.
   */
  async verify(connection: Queryable): Promise<void> {
    const { verdict, databaseHead, server } = await this.#watch.reader.read(connection)
    if (verdict.state === 'open') return this.#requireSame(server)
    this.#watch.ring()
    throw new GateClosedError(statusOf(this.#watch.manifest, verdict, databaseHead))
  }

  /**
   * Asks only whether a connection of the app's own leads to the server that the gate has looked at.
   * @throws GateClosedError when it does not, or the gate has not reached any server.
   */
  async verifyServer(connection: Queryable): Promise<void> {
    await this.#requireSame(await identify(connection))
  }

  async #requireSame(server: string | undefined): Promise<void> {
    // the gate may be the one that is behind: not connected yet, or about to lose a server that was started again
    if (server !== this.#watch.server) await this.#watch.check()
    if (server === this.#watch.server) return
    const { status } = this
    throw new GateClosedError({ ...status, state: 'unreachable', detail: OTHER_SERVER })
  }

  /** Closes the gate for good, and its connections. */
  async close(): Promise<void> {
    this.#closed = true
    this.#door.shut(unreachable(this.#watch.manifest, undefined, 'The gate was closed by the app itself.'))
    await this.#watch.close()
  }
}

// An option that is given as undefined is one that is not given.
function defined(options: GateOptions): { [Name in keyof GateOptions]?: Exclude<GateOptions[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
