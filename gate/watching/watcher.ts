// The watcher: a loop that queries the ledger and opens or closes the gate, and connects again whenever it has to.

import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connections } from '../connection.ts'
import { isConnectionLoss } from '../postgres/sqlstate.ts'
import { announce, LOOKING } from '../protocol/announcement.ts'
import type { Verdict } from '../protocol/compatibility.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { LOCKED } from '../reading/ledger-fence.ts'
import { serverExpression, sqlState } from '../reading/ledger-query.ts'
import { readerFor } from '../reading/reader-for.ts'
import type { SchemaReader } from '../reading/schema-reader.ts'
import { type Admission, now } from '../requests/admission.ts'
import { type GateStatus, statusOf, unreachable } from '../status.ts'
import { AnnouncedName } from './announced-name.ts'
import type { Session } from './ledger-session.ts'
import { Listener } from './listener.ts'
import { Lookout } from './lookout.ts'
import { Connector, type Sessions } from './sessions.ts'
import { Wakeup } from './wakeup.ts'

/** A gate's options with their defaults, and what the watcher has the gate do. */
export interface WatcherSettings {
  readonly connections: Connections
  readonly manifest: Manifest
  readonly schema: string
  /** All in milliseconds. */
  readonly pollInterval: number
  readonly closedPollInterval: number
  readonly staleAfter: number
  readonly connectTimeout: number
  readonly announce: boolean
  readonly fence: boolean
  readonly drain: (() => Promise<void> | void) | undefined
  /**
   * Ends the work that still uses the database: it does not match, the ledger must be released, or the gate has moved
   * to another server.
   */
  readonly evict: () => void
  /** Ends the requests that are still inside after that, without an answer: the ledger is about to be released. */
  readonly cut: () => void
}

// Milliseconds before connecting again: none after the first loss. The longest is short, so that a gate opens soon after
// its database is back.
const BACKOFF = [0, 25, 50, 100, 250]

// The fence's transaction is renewed at this many times `staleAfter`. It only holds a lock, but a transaction that is days
// old looks alarming in pg_stat_activity.
const RENEW_AFTER = 2

// The share of `staleAfter` after which a gate looks that another one looks out for, and after which the fence's transaction
// needs a query, or the server would end it.
const SELDOM = 0.4

// The share of `staleAfter` that running requests get to end when another session wants the ledger, and the same again
// after they were evicted. The rest is for the query that notices it.
const DRAIN_SHARE = 0.2

// What is cancelled goes on until the server has been told, over a connection of its own.
const CANCELLING = 50

// A restore locks the ledger several times in a row (its constraints, then its table). The gate stays closed for this long,
// so that the restore waits for it only once and no request is answered in between.
const YIELD_FOR = 1_000

// The least time between two queries that only notifications or failed queries ask for.
const MIN_PAUSE = 50

// While it does not listen, the gate queries the ledger at least this often.
const PAUSED_POLL = 1_000

/**
 * One gate's loop, from its creation until `close`. It opens and closes the gate through `Admission`, and nothing else
 * does.
 */
export class Watcher {
  readonly reader: SchemaReader
  readonly #settings: WatcherSettings
  readonly #admission: Admission
  readonly #wakeup = new Wakeup()
  readonly #ended: Promise<void>
  readonly #end = new AbortController()
  #closing = false
  #checks: (() => void)[] = []
  /** Until then the gate stays closed and leaves the ledger to the session that wanted it. */
  #yieldUntil = 0
  /** See {@link #evictOnceEmpty}: done since the gate was open, or about to be. */
  #isEvicting = false
  /** The ledger was held when the database last matched. */
  #wasFenced = false
  /** A notification came since the last query began. */
  #notified = false
  readonly #connector: Connector
  readonly #name: AnnouncedName
  readonly #listener: Listener
  readonly #lookout: Lookout
  #queriedAt = 0

  constructor(settings: WatcherSettings, admission: Admission) {
    this.#settings = settings
    this.#admission = admission
    this.reader = readerFor(settings.manifest, settings.schema)
    this.#connector = new Connector({
      ...settings,
      fence: settings.fence && this.reader.fence !== undefined,
      unaskedShare: SELDOM,
      onNotification: () => this.#onNotification(),
      onLost: error => {
        this.#admission.lose(unreachable(settings.manifest, error))
        this.#wakeup.signal()
      },
      onMoved: settings.evict,
    })
    this.#name = new AnnouncedName(settings.announce ? announce(settings.manifest) : LOOKING)
    this.#listener = new Listener(settings.schema)
    this.#lookout = new Lookout(settings.schema, settings.manifest, settings.pollInterval)
    this.#ended = this.#run()
  }

  get manifest(): Manifest {
    return this.#settings.manifest
  }

  get hosts(): number {
    return this.#settings.connections.hosts
  }

  /** The index of the current host, or of the last one. */
  get host(): number {
    return this.#connector.host
  }

  /** In which of the host's ways to connect a server has answered last: with TLS, or without. */
  get attempt(): number {
    return this.#connector.attempt
  }

  /** The server whose ledger was queried last, as `identify` names it; undefined before the first. */
  get server(): string | undefined {
    return this.#connector.server
  }

  /** The ledger was left to a session that wanted it: it may look whole between two of that session's statements. */
  isYieldingAt(moment: number): boolean {
    return moment < this.#yieldUntil
  }

  /** Queries the ledger now rather than at the next poll. */
  signal(): void {
    this.#wakeup.signal()
  }

  /** A connection of the app's own led to another server than the gate's. */
  sawAnotherServer(): void {
    void this.#connector.checkAddress()
  }

  /** Resolves when a query that began after this call has been answered, or has failed. */
  check(): Promise<void> {
    if (this.#closing) return Promise.resolve()
    return new Promise(resolve => {
      this.#checks.push(resolve)
      this.#wakeup.signal()
    })
  }

  /** Ends the loop and its connections, once nothing is inside any more, or after `staleAfter`: Docker kills after ten seconds. */
  async close(): Promise<void> {
    if (!(await this.#isEmptyWithin(this.#settings.staleAfter))) {
      this.#settings.evict()
      this.#settings.cut()
    }
    this.#closing = true
    this.#end.abort()
    this.#name.end()
    this.#wakeup.signal()
    this.#forget()
    await this.#connector.close()
    await this.#ended
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#closing) {
      const waiting = this.#checks.splice(0)
      let hasAnswered = false
      try {
        const sessions = await this.#connector.connect(this.#name.forNewSession(), session =>
          this.#listener.open(session),
        )
        await this.#check(sessions)
        hasAnswered = true
        failures = 0
        resolveAll(waiting)
        await this.#keepChecking(sessions)
      } catch (error) {
        if (!this.#closing) this.#admission[hasAnswered ? 'lose' : 'close'](unreachable(this.#settings.manifest, error))
      }
      resolveAll(waiting)
      this.#forget()
      await this.#connector.disconnect()
      const delay = BACKOFF[Math.min(failures++, BACKOFF.length - 1)]!
      if (!this.#closing && delay > 0) await this.#wakeup.wait(delay)
    }
    resolveAll(this.#checks.splice(0))
  }

  async #keepChecking(sessions: Sessions): Promise<void> {
    while (!this.#closing && !this.#connector.isLost) {
      // From one query to the next, whatever the last one has taken: a change is noticed within one interval.
      const next = this.#queriedAt + this.#interval - performance.now()
      const signalled = await this.#wakeup.wait(Math.max(MIN_PAUSE, next))
      const rest = this.#queriedAt + MIN_PAUSE - performance.now()
      if (rest > 0 && this.#checks.length === 0) await pause(rest)
      if (this.#closing || this.#connector.isLost) return
      await this.#listener.update(sessions.listening)
      const waiting = this.#checks.splice(0)
      try {
        await this.#check(sessions, { routine: !signalled })
      } finally {
        resolveAll(waiting)
      }
    }
  }

  get #interval(): number {
    const { pollInterval, closedPollInterval, staleAfter } = this.#settings
    const interval = this.#admission.isOpen ? pollInterval : closedPollInterval
    if (this.#listener.isPaused) return Math.min(interval, PAUSED_POLL)
    return this.#admission.isOpen && this.#isWatchedFor ? Math.max(interval, SELDOM * staleAfter) : interval
  }

  /** Another gate looks out for this one, and this one hears it. */
  get #isWatchedFor(): boolean {
    return this.#lookout.isOther && !this.#listener.isPaused
  }

  /** What ends with the sessions. */
  #forget(): void {
    this.#lookout.sessionEnded()
    this.reader.sessionsEnded()
  }

  /** @param routine nothing says that there is something to see. */
  async #check(sessions: Sessions, { routine } = { routine: false }): Promise<void> {
    const { listening, holding } = sessions
    this.#queriedAt = performance.now()
    // One query a time is enough for a gate that another one looks out for: it keeps the fence's transaction alive as well.
    const seldom = routine && this.#isWatchedFor && this.#isFenceFresh ? holding : undefined
    let verdict = await this.#query(sessions, seldom ?? listening)
    if (verdict.state === 'open' && !this.#isReady(sessions)) {
      await this.#getReady(sessions)
      verdict = await this.#query(sessions, holding ?? listening)
    }
    if (verdict.state === 'open') {
      this.#isEvicting = false
      this.#wasFenced = holding !== undefined
      return this.#keepFence(sessions)
    }
    if (holding && this.reader.fence?.heldFor !== undefined) {
      await (verdict === LOCKED ? this.#giveWay(holding) : this.reader.fence.release(holding))
      if (verdict.state !== 'unreachable') this.#wasFenced = false
    }
    if (verdict.state === 'unreachable') return
    // The session that held the fence has ended: another one ended it, or this process stood still. The database may have
    // been restored under the requests inside.
    if (this.#wasFenced) await this.#endInside()
    this.#wasFenced = false
    if (verdict.state === 'too-old' || verdict.state === 'migrating') this.#announceDrained(listening)
    else void this.#evictOnceEmpty()
  }

  /** Queries once. The gate opens only if the ledger was held and the head announced before the query. */
  async #query(sessions: Sessions, session: Session): Promise<Verdict | GateStatus> {
    const { manifest, staleAfter } = this.#settings
    const sent = now()
    const notified = this.#notified
    this.#notified = false
    const isHolding = session === sessions.holding
    if (isHolding) this.reader.fence?.asked()
    try {
      // The lookout's lock is for a session that the server ends when this app does not ask for long.
      const locks = this.#listener.isListening && (isHolding || !sessions.holding) && !session.pooled
      const readable = isHolding ? (this.reader.fence?.readerOf(session) ?? session) : session
      const reading = await this.reader.read(readable, locks ? this.#lookout.lockExpression : serverExpression)
      if (locks) this.#lookout.answered(reading.also)
      else if (session.pooled && reading.also !== undefined) this.#connector.answeredBy(reading.also)
      const { verdict, databaseHead } = reading
      const result = verdict.state === 'open' && this.isYieldingAt(sent.steady) ? LOCKED : verdict
      const status = statusOf(manifest, result, databaseHead)
      if (result.state !== 'open') this.#admission.close(status)
      else if (this.#isReady(sessions) && !this.#connector.isLost && !this.#closing)
        this.#admission.open(status, sent, staleAfter)
      if (this.#lookout.noteReading(reading, notified)) await this.#lookout.tell(sessions.listening)
      return result
    } catch (error) {
      // Any other error from the server is an answer, and the connection still usable.
      if (sqlState(error) === undefined || isConnectionLoss(error)) throw error
      const status = unreachable(manifest, error)
      this.#admission.close(status)
      // what this role may not see any more, another gate's may
      if (this.#lookout.noteReading({ version: undefined }, notified)) await this.#lookout.tell(sessions.listening)
      return status
    }
  }

  #isReady({ holding }: Sessions): boolean {
    return !this.#name.isDrained && (!holding || this.reader.fence?.heldFor !== undefined)
  }

  async #getReady({ listening, holding }: Sessions): Promise<void> {
    await this.#name.retract(listening)
    if (holding && this.reader.fence?.heldFor === undefined) await this.reader.fence?.hold(holding)
  }

  /** The fence is held, and not to be renewed yet. */
  get #isFenceFresh(): boolean {
    const held = this.reader.fence?.heldFor
    return held !== undefined && held < RENEW_AFTER * this.#settings.staleAfter
  }

  /**
   * Keeps the fence's transaction, or renews it. No session waits for the ledger, or the query before this would have
   * failed.
   */
  async #keepFence({ holding }: Sessions): Promise<void> {
    const { fence } = this.reader
    if (!holding || fence?.heldFor === undefined) return
    if (this.#isFenceFresh) {
      if (fence.unaskedFor >= SELDOM * this.#settings.staleAfter) await fence.keepAlive(holding)
    } else if (!(await fence.hold(holding))) this.#admission.close(statusOf(this.#settings.manifest, LOCKED))
  }

  /** Releases the ledger to a session that wants to drop it, once the requests inside have ended. The gate is closed. */
  async #giveWay(holding: Session): Promise<void> {
    await this.reader.fence?.keepAlive(holding)
    // A restore in one transaction holds the tables that running requests wait for, and itself waits for this fence. The
    // requests would go on with the older database: they are evicted first. So is what runs without a request.
    await this.#isEmptyWithin(this.#draining)
    await this.#endInside()
    this.#yieldUntil = performance.now() + YIELD_FOR
    await this.reader.fence?.release(holding)
  }

  /** Ends what uses the database, and then the requests that are still inside. */
  async #endInside(): Promise<void> {
    this.#settings.evict()
    await pause(CANCELLING)
    // A handler that is not waiting for the database (it hashes a password) notices no eviction.
    if (!(await this.#isEmptyWithin(this.#draining))) this.#settings.cut()
  }

  /** A share of `staleAfter`, the time after which the server ends the fence's transaction by itself. */
  get #draining(): number {
    return this.#settings.staleAfter * DRAIN_SHARE
  }

  async #isEmptyWithin(milliseconds: number): Promise<boolean> {
    const timeout = pause(milliseconds, false, { signal: this.#end.signal }).catch(() => false)
    return Promise.race([this.#admission.whenEmpty().then(() => true), timeout])
  }

  #onNotification(): void {
    if (!this.#listener.accept()) return
    this.#notified = true
    this.#wakeup.signal()
  }

  /** Once for each closing, when no request needs its connection any more. */
  async #evictOnceEmpty(): Promise<void> {
    if (this.#isEvicting) return
    this.#isEvicting = true
    await this.#admission.whenEmpty()
    this.#evictUninvited()
  }

  /** What uses the database without having entered, such as a timer, would go on behind a closed gate. */
  #evictUninvited(): void {
    if (!this.#admission.isOpen) this.#settings.evict()
  }

  /** Announces that nothing of this app runs any more, once that is so: the migrator waits for it. */
  #announceDrained(listening: Session): void {
    const ended = async () => {
      await this.#admission.whenEmpty()
      await this.#settings.drain?.()
      this.#evictUninvited()
    }
    this.#name.sayDrained(listening, ended, () => this.#connector.has(listening))
  }
}

function resolveAll(waiting: (() => void)[]): void {
  for (const resolve of waiting.splice(0)) resolve()
}
