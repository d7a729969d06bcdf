// The gate: open only while the database has the schema that this app was built for.

import { EventEmitter, once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { connectionsOf } from './connection.ts'
import { type GateOptions, LONGEST_TIMEOUT, requireOptions } from './options.ts'
import { requireMigrations } from './protocol/manifest.ts'
import { SCHEMA_STATES, serverExpression, sqlState } from './reading/ledger-query.ts'
import type { Queryable } from './reading/queryable.ts'
import { Admission } from './requests/admission.ts'
import { enterAfterLook } from './requests/after-look.ts'
import { GateClosedError, type GateState, type GateStatus, GateTimeoutError, statusOf, unreachable } from './status.ts'
import { identify } from './watching/ledger-session.ts'
import { Watcher } from './watching/watcher.ts'

/**
 * A gate's events, each but `hold` emitted on the next tick: a listener that throws stops neither the gate nor other listeners.
 */
export interface GateEvents {
  /** The state or its detail has changed. */
  change: [status: GateStatus, previous: GateStatus]
  /**
   * Work that goes on may meet another schema: another session takes the ledger while work is still inside, the gate has
   * moved to another server, or it is closed since the database does not match, and nothing is inside any more. A guarded
   * pool ends its connections.
   */
  evict: []
  /**
   * The ledger is about to be released while requests are still inside. The adapters end their connections: an answer from
   * before must not come after.
   */
  cut: []
  /**
   * The last answer of the database has become stale: it is silent, or this process stood still. The ledger may have been taken
   * away meanwhile, and what is sent now may meet another schema. A guarded pool neither sends nor reads anything until the
   * database has answered: if the promise gives false its connections end, since the gate is not open then, or no answer came
   * for ten seconds more. Emitted at once, also to what asks for the gate's state before it sends.
   */
  hold: [mayGoOn: Promise<boolean>]
}

/** What `whenOpen` takes. */
export interface WhenOpenOptions {
  /** The most that it waits, in milliseconds, 25 days at most. Without one there is no limit. */
  readonly timeout?: number | undefined
  /** Ends the wait when it is aborted; the gate itself goes on. */
  readonly signal?: AbortSignal | undefined
}

const DEFAULTS = {
  schema: 'schemagate',
  // with the query itself, a change is noticed within a second
  pollInterval: 750,
  closedPollInterval: 250,
  staleAfter: 5000,
  connectTimeout: 2000,
  announce: true,
  fence: true,
} as const

// The most that a guarded pool is held, in beats of milliseconds: what is held sees neither that its server has ended it nor
// that the app wants it to end.
const HOLD_BEAT = 250
const HOLD_BEATS = 40

const OTHER_SERVER = 'The connection leads to another server or database than the one whose ledger the gate has read.'

/**
 * Creates a gate. It starts closed and queries the ledger at once; until the first answer its state is `unreachable`. It
 * never throws or rejects because of the database, and keeps the process alive until `close`.
 * @throws TypeError when the options name no database, or have a connection string, a name or a duration that cannot be
 * used; ManifestError when the manifest has no migrations.
 */
export function createGate(options: GateOptions): Gate {
  return new Gate(options)
}

/** Whether the app may serve now, and what counts as inside while it does. Made by `createGate`. */
export class Gate extends EventEmitter<GateEvents> {
  readonly #admission: Admission
  readonly #watcher: Watcher
  #closed = false

  constructor(options: GateOptions) {
    super()
    // Each call of `whenOpen` adds a listener, and many may wait at once.
    this.setMaxListeners(0)
    requireOptions(options)
    const { manifest, drain } = options
    requireMigrations(manifest)
    const settings = { ...DEFAULTS, ...defined(options) }
    const { staleAfter } = settings
    this.#admission = new Admission(
      unreachable(manifest, undefined, 'The ledger has not been read yet.'),
      () => unreachable(manifest, undefined, `The database has not answered for ${staleAfter} ms.`),
      (status, previous) => this.#tell('change', status, previous),
      () => this.#watcher.signal(),
      () => this.#emit('hold', this.#mayGoOn()),
    )
    const connections = connectionsOf(options)
    const evict = () => this.#tell('evict')
    const cut = () => this.#tell('cut')
    this.#watcher = new Watcher({ ...settings, connections, manifest, drain, evict, cut }, this.#admission)
  }

  /** Whether work may begin now. No query: two comparisons in memory, so that it can be asked for each request. */
  get isOpen(): boolean {
    return this.#admission.isOpen
  }

  /** In one word what the last look at the database has found; `open` only while that look counts (`staleAfter`). */
  get state(): GateState {
    return this.#admission.status.state
  }

  /** One sentence for people, safe to show to every client of the app. */
  get detail(): string {
    return this.#admission.status.detail
  }

  /** State and detail with the migrations concerned; its `cause`, an error, is for logs alone. */
  get status(): GateStatus {
    return this.#admission.status
  }

  /** How many hosts the connection string names. */
  get hosts(): number {
    return this.#watcher.hosts
  }

  /** The index of the host that the gate is connected to, or was last, from 0. */
  get host(): number {
    return this.#watcher.host
  }

  /** In which way to connect a server has answered last: 0, or 1 where sslmode lets a second be tried. */
  get attempt(): number {
    return this.#watcher.attempt
  }

  /**
   * Why `enter` has not let in: this process stood still for a second (it was stopped, or its event loop blocked), and what
   * came meanwhile may have come after a change; or the last answer has become stale. Resolves once the database was asked
   * again, which is soon.
   */
  get lookDue(): Promise<void> | undefined {
    return this.#admission.lookDue
  }

  /**
   * Enters if the gate is open, and no look is due. True if it did: `leave` must be called, or a breaking migration waits until
   * its timeout.
   */
  enter(): boolean {
    return this.#admission.enter()
  }

  /** Ends what `enter` began. */
  leave(): void {
    this.#admission.leave()
  }

  /**
   * Runs a piece of work inside the gate, as a worker without requests does. Resolves to what it returns.
   * @throws GateClosedError if the gate is closed, and whatever the work throws.
   */
  async run<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    if (!(await enterAfterLook(this))) throw new GateClosedError(this.status)
    try {
      return await work()
    } finally {
      this.leave()
    }
  }

  /** Queries the ledger now. Resolves to the status that follows, also when the database does not answer; never rejects. */
  async check(): Promise<GateStatus> {
    await this.#watcher.check()
    return this.status
  }

  /**
   * Resolves when the gate is open, at once if it already is.
   * @throws GateTimeoutError after `timeout` milliseconds, the signal's reason when it is aborted, GateClosedError when
   * the gate is closed for good by `close`.
   */
  async whenOpen({ timeout, signal }: WhenOpenOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.isOpen) return
    if (this.#closed) throw new GateClosedError(this.status)
    await new Promise<void>((resolve, reject) => {
      const settle = (done: () => void) => {
        clearTimeout(timer)
        this.off('change', onChange)
        signal?.removeEventListener('abort', onAbort)
        done()
      }
      const onChange = () => {
        if (this.isOpen) settle(resolve)
        else if (this.#closed) settle(() => reject(new GateClosedError(this.status)))
      }
      const onAbort = () => settle(() => reject(signal?.reason))
      const onTimeout = () => settle(() => reject(new GateTimeoutError(this.status, timeout!)))
      const timer = timeout === undefined ? undefined : setTimeout(onTimeout, Math.min(timeout, LONGEST_TIMEOUT))
      this.on('change', onChange)
      signal?.addEventListener('abort', onAbort)
    })
  }

  /**
   * Takes an error that a query of the app has failed with. If it says that the schema is not what the code expects, the
   * gate queries the ledger at once.
   */
  observe(error: unknown): void {
    const code = sqlState(error)
    if (code !== undefined && SCHEMA_STATES.has(code)) this.#watcher.signal()
  }

  /**
   * Reads the ledger over a connection of the app's own.
   * @throws the connection's own error; GateClosedError when that connection leads to a database which the app does not
   * match, or to another server or database than the one whose ledger the gate has read.
   */
  async verify(connection: Queryable): Promise<void> {
    const { verdict, databaseHead, also } = await this.#watcher.reader.read(connection, serverExpression)
    if (verdict.state === 'open' && this.#watcher.isYieldingAt(performance.now()))
      throw new GateClosedError(this.status)
    if (verdict.state === 'open') return this.#requireSame(also)
    this.#watcher.signal()
    // a gate that is open at another one would have work begin that can connect to none
    if ((also ?? (await identify(connection))) !== this.#watcher.server) this.#watcher.sawAnotherServer()
    throw new GateClosedError(statusOf(this.#watcher.manifest, verdict, databaseHead))
  }

  /**
   * Checks only that a connection of the app's own leads to the server and database whose ledger the gate has read.
   * @throws the connection's own error; GateClosedError when it does not, or the gate has not reached any server.
   */
  async verifyServer(connection: Queryable): Promise<void> {
    await this.#requireSame(await identify(connection))
  }

  /** Emits an event on the next tick, outside of whatever has led to it. */
  #tell<Name extends keyof GateEvents>(name: Name, ...values: GateEvents[Name]): void {
    process.nextTick(() => this.#emit(name, ...values))
  }

  /**
   * Emits an event: a listener that throws must not stop the watcher, nor keep the other listeners, those of adapters and
   * guarded pools among them, from being called.
   */
  #emit<Name extends keyof GateEvents>(name: Name, ...values: GateEvents[Name]): void {
    for (const listener of this.rawListeners(name)) {
      try {
        Reflect.apply(listener, this, values)
      } catch (error) {
        process.nextTick(() => {
          throw error
        })
      }
    }
  }

  async #mayGoOn(): Promise<boolean> {
    const patience = new AbortController()
    let beats = 0
    // Not one timer: what a blocked process does not see pass is not the database's time.
    const timer = setInterval(() => {
      if (++beats === HOLD_BEATS) patience.abort()
    }, HOLD_BEAT).unref()
    while (this.state === 'unreachable' && !this.#closed && !patience.signal.aborted)
      await once(this, 'change', { signal: patience.signal }).catch(() => {})
    clearInterval(timer)
    return this.isOpen || this.#closed
  }

  async #requireSame(server: string | undefined): Promise<void> {
    // The gate may be late: not connected yet, or about to notice that its server was restarted.
    if (server !== this.#watcher.server) await this.#watcher.check()
    if (server === this.#watcher.server) return
    this.#watcher.sawAnotherServer()
    const { status } = this
    throw new GateClosedError({ ...status, state: 'unreachable', detail: OTHER_SERVER })
  }

  /**
   * Closes the gate for good, and once nothing is inside any more its connections: until then a breaking migration waits, as
   * does who drops the ledger. What is still inside after `staleAfter` is cut. `whenOpen` rejects with a GateClosedError.
   */
  async close(): Promise<void> {
    this.#closed = true
    this.#admission.end(unreachable(this.#watcher.manifest, undefined, 'The gate was closed by the app itself.'))
    await this.#watcher.close()
  }
}

// An option that is undefined counts as not given.
function defined(options: GateOptions): { [Name in keyof GateOptions]?: Exclude<GateOptions[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
