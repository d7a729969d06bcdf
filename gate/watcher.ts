// The watch: the loop that keeps a gate's door in step with the ledger, over connections that come and go.

import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Door } from './admission.ts'
import type { Connections } from './connection.ts'
import { sqlState } from './ledger-query.ts'
import { LOCKED, Reader } from './ledger-reader.ts'
import { identify, openSession, rename, type Session, settle } from './ledger-session.ts'
import { Ear } from './listener.ts'
import { announce, DRAINED, LOOKING } from './protocol/announcement.ts'
import type { Manifest } from './protocol/manifest.ts'
import { firstSuitable, sameServer } from './servers.ts'
import { type GateState, statusOf, unreachable } from './status.ts'
import { Bell } from './wakeup.ts'

export interface WatchSettings {
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
  /** Ends what is still inside when the ledger must be given up, or was another host's. */
  readonly evict: () => void
}

// After the first loss at once, then ever more slowly, but never so slowly that a database that is back waits for long.
const BACKOFF = [0, 25, 50, 100, 250]

// A transaction that only holds a lock harms nobody, but one that lasts for days worries whoever reads pg_stat_activity:
// it is renewed when it is so many times as old as an answer may become.
const RENEW_AFTER = 2

// Those inside get so much of the time that an answer holds to end their work when somebody wants the ledger, and as much
// again once they have been put out. The rest of it is for the look that finds this out.
const PATIENCE = 0.2

// A restore wants the ledger several times in a row (its constraints, then its table): it must not wait for the gate
// each time, nor may anything be answered in between.
const QUIET = 1_000

// The least time between two looks that are caused by notifications and failed queries alone.
const LEAST_PAUSE = 50

// While it hears nothing the gate looks at least so often.
const DEAF_POLL = 1_000

/** Two sessions, or one that does for both. */
interface Sessions {
  /** Hears notifications and carries the announcement. */
  readonly ear: Session
  /** Looks, and while the door is open holds the ledger's table: a session in a transaction hears nothing. */
  readonly eye: Session
  readonly fenced: boolean
}

export class Watch {
  readonly reader: Reader
  readonly #settings: WatchSettings
  readonly #door: Door
  readonly #bell = new Bell()
  readonly #ended: Promise<void>
  readonly #end = new AbortController()
  #host = 0
  #closing = false
  #lost = false
  #sessions: Session[] = []
  #checks: (() => void)[] = []
  #heldSince: number | undefined
  /** Until then the ledger is left alone for whoever wanted it. */
  #quietUntil = 0
  #name = ''
  /** Counts openings, so that a letting go that was begun before one does not end after it. */
  #round = 0
  #lettingGo = false
  readonly #hearing: Ear
  /** Which server the gate has looked at. */
  #server: string | undefined
  #lookedAt = 0

  constructor(settings: WatchSettings, door: Door) {
    this.#settings = settings
    this.#door = door
    this.reader = new Reader(settings.manifest, settings.schema)
    this.#hearing = new Ear(settings.schema)
    this.#ended = this.#run()
  }

  get manifest(): Manifest {
    return this.#settings.manifest
  }

  get hosts(): number {
    return this.#settings.connections.hosts.length
  }

  /** The index of the host that it is at, or was at last. */
  get host(): number {
    return this.#host
  }

  /** The server that it has looked at last, as `identify` tells servers apart; undefined before the first. */
  get server(): string | undefined {
    return this.#server
  }

  /** Looks as soon as can be, instead of at the next poll. */
  ring(): void {
    this.#bell.ring()
  }

  /** Resolves when a look that began after this call has been taken in, or has failed. */
  check(): Promise<void> {
    if (this.#closing) return Promise.resolve()
    return new Promise(resolve => {
      this.#checks.push(resolve)
      this.#bell.ring()
    })
  }

  /** Ends the loop and its connections. */
  async close(): Promise<void> {
    this.#closing = true
    this.#end.abort()
    this.#round++
    this.#bell.ring()
    await this.#disconnect()
    await this.#ended
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#closing) {
      const asked = this.#checks.splice(0)
      try {
        const sessions = await this.#connect()
        await this.#visit(sessions)
        failures = 0
        answer(asked)
        await this.#stay(sessions)
      } catch (error) {
        if (!this.#closing) this.#door.shut(unreachable(this.#settings.manifest, error))
      }
      answer(asked)
      await this.#disconnect()
      const delay = BACKOFF[Math.min(failures++, BACKOFF.length - 1)]!
      if (!this.#closing && delay > 0) await this.#bell.wait(delay)
    }
    answer(this.#checks.splice(0))
  }

  async #stay(sessions: Sessions): Promise<void> {
    while (!this.#closing && !this.#lost) {
      await this.#bell.wait(this.#interval)
      const rest = this.#lookedAt + LEAST_PAUSE - performance.now()
      if (rest > 0 && this.#checks.length === 0) await pause(rest)
      if (this.#closing || this.#lost) return
      await this.#hearing.tend(sessions.ear)
      const asked = this.#checks.splice(0)
      try {
        await this.#visit(sessions)
      } finally {
        answer(asked)
      }
    }
  }

  get #interval(): number {
    const { pollInterval, closedPollInterval } = this.#settings
    const interval = this.#door.isOpen ? pollInterval : closedPollInterval
    return this.#hearing.isDeaf ? Math.min(interval, DEAF_POLL) : interval
  }

  async #connect(): Promise<Sessions> {
    const { staleAfter } = this.#settings
    this.#lost = false
    this.#heldSince = undefined
    this.#name = this.#ownName()
    const { session: ear, host } = await firstSuitable(this.#settings.connections, at => this.#open(this.#name, at))
    this.#moveTo(host)
    if (ear.pooled) return { ear, eye: ear, fenced: false }
    await settle(ear, this.#name, staleAfter)
    const server = await identify(ear)
    this.#moveToServer(server)
    await this.#hearing.open(ear)
    if (!this.#settings.fence) return { ear, eye: ear, fenced: false }
    const eye = await sameServer(server, () => this.#open(LOOKING))
    await settle(eye, LOOKING, staleAfter)
    return { ear, eye, fenced: true }
  }

  /** The same address, another server, or the same one started again. */
  #moveToServer(server: string): void {
    const before = this.#server
    this.#server = server
    if (before !== undefined && before !== server) this.#settings.evict()
  }

  /** What is still connected to the host before is not where the gate has looked. */
  #moveTo(host: number): void {
    if (host === this.#host) return
    this.#host = host
    this.#settings.evict()
  }

  async #open(applicationName: string, host = this.#host): Promise<Session> {
    const session = await openSession({
      config: this.#settings.connections.hosts[host]!,
      applicationName,
      // A host that drops packets must not keep the next one waiting for long.
      connectTimeout: this.#settings.connectTimeout / this.hosts,
      answerTimeout: this.#settings.staleAfter,
      onNotification: () => this.#hear(),
      onLost: error => {
        // At once, not after the next look: what the lost connection was to may come back as something else.
        if (this.#closing) return
        this.#lost = true
        this.#door.shut(unreachable(this.#settings.manifest, error))
        this.#bell.ring()
      },
    })
    this.#sessions.push(session)
    if (this.#closing) await session.close()
    return session
  }

  async #disconnect(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map(session => session.close()))
  }

  async #visit(sessions: Sessions): Promise<void> {
    const { eye, ear } = sessions
    this.#lookedAt = performance.now()
    if (this.#heldSince !== undefined) await this.#tendFence(eye)
    let state = await this.#look(sessions)
    if (state === 'open' && !this.#isReady(sessions)) {
      await this.#getReady(sessions)
      state = await this.#look(sessions)
    }
    if (state === 'open') return
    if (this.#heldSince !== undefined) await this.#dropFence(eye)
    if (state === 'too-old' || state === 'migrating') this.#letGo(ear)
  }

  /** One look, taken in. The door opens only upon a look at a ledger that is held, with the head announced before. */
  async #look(sessions: Sessions): Promise<GateState> {
    const { manifest, staleAfter } = this.#settings
    const sent = performance.now()
    try {
      const { verdict, databaseHead, server } = await this.reader.read(sessions.eye)
      // behind a pooler each look may be answered by another server
      if (sessions.ear.pooled && server !== undefined) this.#server = server
      const kept = sent < this.#quietUntil ? LOCKED : undefined
      const told = verdict.state === 'open' ? (kept ?? verdict) : verdict
      const status = statusOf(manifest, told, databaseHead)
      if (told.state !== 'open') this.#door.shut(status)
      else if (this.#isReady(sessions) && !this.#lost && !this.#closing) this.#door.open(status, sent + staleAfter)
      return told.state
    } catch (error) {
      // The server's own errors are answers, if not good ones: the connection may live on.
      if (sqlState(error) === undefined) throw error
      this.#door.shut(unreachable(manifest, error))
      return 'unreachable'
    }
  }

  #isReady({ fenced }: Sessions): boolean {
    return this.#name !== DRAINED && (!fenced || this.#heldSince !== undefined)
  }

  async #getReady({ ear, eye, fenced }: Sessions): Promise<void> {
    this.#round++
    if (this.#name === DRAINED) {
      this.#name = this.#ownName()
      await rename(ear, this.#name)
    }
    if (fenced && this.#heldSince === undefined && (await this.reader.hold(eye))) this.#heldSince = performance.now()
  }

  /** Somebody who wants to drop the ledger gets it once the door is shut and nobody is inside any more. */
  async #tendFence(eye: Session): Promise<void> {
    if (await this.reader.isAwaited(eye)) {
      this.#door.shut(statusOf(this.#settings.manifest, LOCKED))
      // A restore in one transaction holds the tables that those inside wait for, and waits for this fence itself. What it
      // would let them go on with is the older database: they are put out before it gets the ledger.
      if (!(await this.#isEmptyWithin(PATIENCE))) {
        this.#settings.evict()
        await this.#isEmptyWithin(PATIENCE)
      }
      await this.#dropFence(eye)
      this.#quietUntil = performance.now() + QUIET
    } else if (performance.now() - (this.#heldSince ?? 0) > RENEW_AFTER * this.#settings.staleAfter) {
      this.#heldSince = (await this.reader.hold(eye, { renew: true })) ? performance.now() : undefined
      if (this.#heldSince === undefined) this.#door.shut(statusOf(this.#settings.manifest, LOCKED))
    }
  }

  /** @param share of `staleAfter`, the time after which the server ends the fence's transaction by itself. */
  async #isEmptyWithin(share: number): Promise<boolean> {
    const patience = pause(this.#settings.staleAfter * share, false, { signal: this.#end.signal }).catch(() => false)
    return Promise.race([this.#door.empty().then(() => true), patience])
  }

  async #dropFence(eye: Session): Promise<void> {
    this.#heldSince = undefined
    await this.reader.release(eye)
  }

  #hear(): void {
    if (this.#hearing.hear()) this.#bell.ring()
  }

  /** Tells the migrator that nothing of this app runs any more, once that is so. */
  #letGo(ear: Session): void {
    if (this.#lettingGo || this.#name === DRAINED) return
    this.#lettingGo = true
    const round = this.#round
    const done = async () => {
      await this.#door.empty()
      await this.#settings.drain?.()
      if (round !== this.#round || !this.#sessions.includes(ear)) return
      // Before the query is sent, so that an opening meanwhile sends its own name after this one.
      this.#name = DRAINED
      await rename(ear, DRAINED)
    }
    // What fails here (the app's own `drain`, a lost connection) leaves the announcement in place: tried again later.
    done()
      .catch(() => {})
      .finally(() => {
        this.#lettingGo = false
      })
  }

  #ownName(): string {
    return this.#settings.announce ? announce(this.#settings.manifest) : LOOKING
  }
}

function answer(asked: (() => void)[]): void {
  for (const tell of asked.splice(0)) tell()
}
