// The watcher: a loop that queries the ledger and opens or closes the gate, and connects again whenever it has to.

import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Admission } from './admission.ts'
import type { Connections } from './connection.ts'
import { LOCKED } from './ledger-fence.ts'
import { serverExpression, sqlState } from './ledger-query.ts'
import { identify, openSession, rename, type Session, SHORT_LOCK_TIMEOUT, settle } from './ledger-session.ts'
import { Listener } from './listener.ts'
import { Lookout } from './lookout.ts'
import { announce, DRAINED, LOOKING } from './protocol/announcement.ts'
import type { Verdict } from './protocol/compatibility.ts'
import type { Manifest } from './protocol/manifest.ts'
import { readerFor } from './reader-for.ts'
import type { SchemaReader } from './schema-reader.ts'
import { firstSuitable, sameServer } from './servers.ts'
import { type GateStatus, statusOf, unreachable } from './status.ts'
import { Wakeup } from './wakeup.ts'

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
  /** Ends the work that still uses the database: the ledger must be released, or the gate moved to another server. */
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

// A restore locks the ledger several times in a row (its constraints, then its table). The gate stays closed for this long,
// so that the restore waits for it only once and no request is answered in between.
const YIELD_FOR = 1_000

// The least time between two queries that only notifications or failed queries ask for.
const MIN_PAUSE = 50

// While it does not listen, the gate queries the ledger at least this often.
const PAUSED_POLL = 1_000

interface Sessions {
  /** Receives notifications, carries the announcement, and queries the ledger: there a query waits behind a session that waits for the ledger. */
  readonly listening: Session
  /** Holds the ledger's table while the gate is open. A session in a transaction gets no notifications. */
  readonly holding?: Session
}

export class Watcher {
  readonly reader: SchemaReader
  readonly #settings: WatcherSettings
  readonly #admission: Admission
  readonly #wakeup = new Wakeup()
  readonly #ended: Promise<void>
  readonly #end = new AbortController()
  #host = 0
  #attempt = 0
  #closing = false
  #lost = false
  #sessions: Session[] = []
  #checks: (() => void)[] = []
  /** Until then the gate stays closed and leaves the ledger to the session that wanted it. */
  #yieldUntil = 0
  /** A notification came since the last query began. */
  #notified = false
  #name = ''
  /** Counts openings: an announcement of `DRAINED` that began before one must not be sent after it. */
  #round = 0
  #announcingDrained = false
  readonly #listener: Listener
  readonly #lookout: Lookout
  /** The server whose ledger was queried. */
  #server: string | undefined
  #queriedAt = 0

  constructor(settings: WatcherSettings, admission: Admission) {
    this.#settings = settings
    this.#admission = admission
    this.reader = readerFor(settings.manifest, settings.schema)
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
    return this.#host
  }

  /** In which of the host's ways to connect a server has answered last: with TLS, or without. */
  get attempt(): number {
    return this.#attempt
  }

  /** The server whose ledger was queried last, as `identify` names it; undefined before the first. */
  get server(): string | undefined {
    return this.#server
  }

  /** Queries the ledger now rather than at the next poll. */
  signal(): void {
    this.#wakeup.signal()
  }

  /** Resolves when a query that began after this call has been answered, or has failed. */
  check(): Promise<void> {
    if (this.#closing) return Promise.resolve()
    return new Promise(resolve => {
      this.#checks.push(resolve)
      this.#wakeup.signal()
    })
  }

  /** Ends the loop and its connections. */
  async close(): Promise<void> {
    this.#closing = true
    this.#end.abort()
    this.#round++
    this.#wakeup.signal()
    await this.#disconnect()
    await this.#ended
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#closing) {
      const waiting = this.#checks.splice(0)
      try {
        const sessions = await this.#connect()
        await this.#check(sessions)
        failures = 0
        resolveAll(waiting)
        await this.#keepChecking(sessions)
      } catch (error) {
        if (!this.#closing) this.#admission.close(unreachable(this.#settings.manifest, error))
      }
      resolveAll(waiting)
      await this.#disconnect()
      const delay = BACKOFF[Math.min(failures++, BACKOFF.length - 1)]!
      if (!this.#closing && delay > 0) await this.#wakeup.wait(delay)
    }
    resolveAll(this.#checks.splice(0))
  }

  async #keepChecking(sessions: Sessions): Promise<void> {
    while (!this.#closing && !this.#lost) {
      // From one query to the next, whatever the last one has taken: a change is noticed within one interval.
      const next = this.#queriedAt + this.#interval - performance.now()
      const signalled = await this.#wakeup.wait(Math.max(MIN_PAUSE, next))
      const rest = this.#queriedAt + MIN_PAUSE - performance.now()
      if (rest > 0 && this.#checks.length === 0) await pause(rest)
      if (this.#closing || this.#lost) return
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

  async #connect(): Promise<Sessions> {
    const { connections, staleAfter, fence } = this.#settings
    this.#lost = false
    this.#name = this.#ownName()
    const { session: listening, host } = await firstSuitable(connections, at => this.#open(this.#name, at))
    this.#moveTo(host)
    if (listening.pooled) return { listening }
    const fenced = fence && this.reader.fence !== undefined
    // A server that cannot reach this app must not hold the ledger for it much longer than the gate is open: by what may
    // have passed since the fence's session was asked.
    const limits = { statementTimeout: staleAfter, idleTimeout: Math.ceil((1 + SELDOM) * staleAfter) }
    const waiting = fenced && { lockTimeout: SHORT_LOCK_TIMEOUT }
    await settle(listening, { ...limits, ...waiting, applicationName: this.#name })
    const server = await identify(listening)
    this.#moveToServer(server)
    await this.#listener.open(listening)
    if (!fenced) return { listening }
    const holding = await sameServer(server, () => this.#open(LOOKING))
    await settle(holding, { ...limits, applicationName: LOOKING })
    return { listening, holding }
  }

  /** The same address led to another server, or its server was restarted. */
  #moveToServer(server: string): void {
    const before = this.#server
    this.#server = server
    if (before !== undefined && before !== server) this.#settings.evict()
  }

  /** Connections to the previous host are not at the server whose ledger was queried. */
  #moveTo(host: number): void {
    if (host === this.#host) return
    this.#host = host
    this.#settings.evict()
  }

  async #open(applicationName: string, host = this.#host): Promise<Session> {
    const session = await openSession({
      connections: this.#settings.connections,
      host,
      onAnswer: attempt => {
        this.#attempt = attempt
      },
      applicationName,
      // A host that drops packets must not use up the time of the next one.
      connectTimeout: this.#settings.connectTimeout / this.hosts,
      answerTimeout: this.#settings.staleAfter,
      onNotification: () => this.#onNotification(),
      onLost: error => {
        // Not after the next query: the server may come back as another one.
        if (this.#closing) return
        this.#lost = true
        this.#admission.close(unreachable(this.#settings.manifest, error))
        this.#wakeup.signal()
      },
    })
    this.#sessions.push(session)
    if (this.#closing) await session.close()
    return session
  }

  async #disconnect(): Promise<void> {
    this.#lookout.retire()
    this.reader.fence?.lost()
    await Promise.all(this.#sessions.splice(0).map(session => session.close()))
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
    if (verdict.state === 'open') return this.#keepFence(sessions)
    if (holding && this.reader.fence?.heldFor !== undefined)
      await (verdict === LOCKED ? this.#giveWay(holding) : this.reader.fence.release(holding))
    if (verdict.state === 'too-old' || verdict.state === 'migrating') this.#announceDrained(listening)
  }

  /** Queries once. The gate opens only if the ledger was held and the head announced before the query. */
  async #query(sessions: Sessions, session: Session): Promise<Verdict | GateStatus> {
    const { manifest, staleAfter } = this.#settings
    const sent = performance.now()
    const notified = this.#notified
    this.#notified = false
    const isHolding = session === sessions.holding
    if (isHolding) this.reader.fence?.asked()
    try {
      // The post is for a session that the server ends when this app does not ask for long.
      const applies = this.#listener.isListening && (isHolding || !sessions.holding) && !session.pooled
      const reading = await this.reader.read(session, applies ? this.#lookout.application : serverExpression)
      if (applies) this.#lookout.appointed(reading.also)
      // Behind a pooler another server may answer each query.
      else if (session.pooled && reading.also !== undefined) this.#server = reading.also
      const { verdict, databaseHead } = reading
      const result = verdict.state === 'open' && sent < this.#yieldUntil ? LOCKED : verdict
      const status = statusOf(manifest, result, databaseHead)
      if (result.state !== 'open') this.#admission.close(status)
      else if (this.#isReady(sessions) && !this.#lost && !this.#closing) this.#admission.open(status, sent + staleAfter)
      if (this.#lookout.notes(reading) && !notified) await this.#lookout.tell(sessions.listening)
      return result
    } catch (error) {
      // An error from the server is an answer, and the connection may still be usable.
      if (sqlState(error) === undefined) throw error
      const status = unreachable(manifest, error)
      this.#admission.close(status)
      return status
    }
  }

  #isReady({ holding }: Sessions): boolean {
    return this.#name !== DRAINED && (!holding || this.reader.fence?.heldFor !== undefined)
  }

  async #getReady({ listening, holding }: Sessions): Promise<void> {
    this.#round++
    if (this.#name === DRAINED) {
      this.#name = this.#ownName()
      await rename(listening, this.#name)
    }
    if (holding && this.reader.fence?.heldFor === undefined) await this.reader.fence?.hold(holding)
  }

  /** The fence is held, and not to be renewed yet. */
  get #isFenceFresh(): boolean {
    const held = this.reader.fence?.heldFor
    return held !== undefined && held < RENEW_AFTER * this.#settings.staleAfter
  }

  /** Renews the fence's transaction. No session waits for the ledger, or the query before this would have failed. */
  async #keepFence({ holding }: Sessions): Promise<void> {
    const { fence } = this.reader
    if (!holding || fence?.heldFor === undefined) return
    if (this.#isFenceFresh && fence.unaskedFor < SELDOM * this.#settings.staleAfter) return
    if (!(await fence.hold(holding))) this.#admission.close(statusOf(this.#settings.manifest, LOCKED))
  }

  /** Releases the ledger to a session that wants to drop it, once the requests inside have ended. The gate is closed. */
  async #giveWay(holding: Session): Promise<void> {
    // the server's patience with an idle transaction begins again
    await holding.query('select 1')
    // A restore in one transaction holds the tables that running requests wait for, and itself waits for this fence. The
    // requests would go on with the older database: they are evicted first.
    if (!(await this.#isEmptyWithin(DRAIN_SHARE))) {
      this.#settings.evict()
      // A handler that is not waiting for the database (it hashes a password) notices no eviction.
      if (!(await this.#isEmptyWithin(DRAIN_SHARE))) this.#settings.cut()
    }
    await this.reader.fence?.release(holding)
    this.#yieldUntil = performance.now() + YIELD_FOR
  }

  /** @param share of `staleAfter`, the time after which the server ends the fence's transaction by itself. */
  async #isEmptyWithin(share: number): Promise<boolean> {
    const timeout = pause(this.#settings.staleAfter * share, false, { signal: this.#end.signal }).catch(() => false)
    return Promise.race([this.#admission.whenEmpty().then(() => true), timeout])
  }

  #onNotification(): void {
    if (!this.#listener.accept()) return
    this.#notified = true
    this.#wakeup.signal()
  }

  /** Announces `DRAINED` once nothing of this app runs any more: the migrator waits for it. */
  #announceDrained(listening: Session): void {
    if (this.#announcingDrained || this.#name === DRAINED) return
    this.#announcingDrained = true
    const round = this.#round
    const done = async () => {
      await this.#admission.whenEmpty()
      await this.#settings.drain?.()
      if (round !== this.#round || !this.#sessions.includes(listening)) return
      // Set before the query is sent: an opening at the same time sends its own name after this one.
      this.#name = DRAINED
      await rename(listening, DRAINED)
    }
    // After a failure (the app's own `drain`, a lost connection) the announcement stays, and this is tried again later.
    done()
      .catch(() => {})
      .finally(() => {
        this.#announcingDrained = false
      })
  }

  #ownName(): string {
    return this.#settings.announce ? announce(this.#settings.manifest) : LOOKING
  }
}

function resolveAll(waiting: (() => void)[]): void {
  for (const resolve of waiting.splice(0)) resolve()
}
