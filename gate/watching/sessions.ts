// A gate's own sessions: one that listens, one that holds the ledger, both at the first suitable host's server.

import { performance } from 'node:perf_hooks'
import type { Connections } from '../connection.ts'
import { LOOKING } from '../protocol/announcement.ts'
import { SeveralServersError } from '../reading/ledger-query.ts'
import { identify, openSession, type Session, SHORT_LOCK_TIMEOUT, settle } from './ledger-session.ts'
import { firstSuitable, sameServer } from './servers.ts'

/** What a connected gate has. */
export interface Sessions {
  /**
   * Receives notifications, carries the announcement, and queries the ledger: there a query waits behind a session that
   * waits for the ledger.
   */
  readonly listening: Session
  /** Holds the ledger's table while the gate is open. A session in a transaction gets no notifications. */
  readonly holding?: Session
}

/** What a gate's sessions are opened with, and whom they tell. */
export interface ConnectorSettings {
  readonly connections: Connections
  /** Whether the ledger is to be held, where it can be. */
  readonly fence: boolean
  /** Both in milliseconds. */
  readonly connectTimeout: number
  readonly staleAfter: number
  /** The share of `staleAfter` that may have passed since the holding session was asked, while the gate is still open. */
  readonly unaskedShare: number
  readonly onNotification: () => void
  /** One of the sessions is lost; not when they are closed here. */
  readonly onLost: (error: Error) => void
  /** The sessions lead to another server than those before. */
  readonly onMoved: () => void
}

/** Opens a gate's sessions, and remembers where they led. */
export class Connector {
  readonly #settings: ConnectorSettings
  #host = 0
  #attempt = 0
  #server: string | undefined
  #open: Session[] = []
  #isLost = false
  #isClosing = false
  #dialledAt = 0

  constructor(settings: ConnectorSettings) {
    this.#settings = settings
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

  /** One of the sessions that `connect` has opened was lost. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** This session is still open. */
  has(session: Session): boolean {
    return this.#open.includes(session)
  }

  /** Behind a pooler another server may answer each query: it is told here. */
  answeredBy(server: string): void {
    this.#server = server
  }

  /**
   * @param name what the listening session is called.
   * @param prepare is given the listening session before another one is opened.
   * @throws the last host's error when none has a suitable server.
   */
  async connect(name: string, prepare: (listening: Session) => Promise<void>): Promise<Sessions> {
    const { connections, staleAfter, unaskedShare, fence } = this.#settings
    this.#isLost = false
    const { session: listening, host } = await firstSuitable(connections, at => this.#session(name, at))
    if (host !== this.#host) {
      this.#host = host
      // connections to the previous host are not at the server whose ledger was queried
      this.#settings.onMoved()
    }
    if (listening.pooled) return { listening }
    // A server that cannot reach this app must not hold the ledger for it much longer than the gate is open: by what may
    // have passed since the fence's session was asked.
    const limits = { statementTimeout: staleAfter, idleTimeout: Math.ceil((1 + unaskedShare) * staleAfter) }
    const waiting = fence && { lockTimeout: SHORT_LOCK_TIMEOUT }
    await settle(listening, { ...limits, ...waiting, applicationName: name })
    const server = await identify(listening)
    this.#moveTo(server)
    await prepare(listening)
    if (!fence) return { listening }
    const holding = await sameServer(server, () => this.#session(LOOKING))
    await settle(holding, { ...limits, applicationName: LOOKING })
    return { listening, holding }
  }

  /**
   * Loses the sessions if their address does not lead to their server any more, while that goes on: its name was given to
   * another one. At most once in `staleAfter`.
   */
  async checkAddress(): Promise<void> {
    const { staleAfter } = this.#settings
    const server = this.#server
    if (server === undefined || performance.now() - this.#dialledAt < staleAfter) return
    this.#dialledAt = performance.now()
    const dialled: Session[] = []
    try {
      await sameServer(server, async () => {
        const session = await this.#dial(LOOKING, this.#host, () => {})
        dialled.push(session)
        return session
      })
    } catch (error) {
      // no answer from there says nothing of the sessions
      if (error instanceof SeveralServersError && server === this.#server) this.#lose(error)
    } finally {
      await Promise.all(dialled.map(session => session.close()))
    }
  }

  /** Ends the sessions. */
  async disconnect(): Promise<void> {
    await Promise.all(this.#open.splice(0).map(session => session.close()))
  }

  /** Ends the sessions for good: one that is being opened is ended as well. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.disconnect()
  }

  /** The same address led to another server, or its server was restarted. */
  #moveTo(server: string): void {
    const before = this.#server
    this.#server = server
    if (before !== undefined && before !== server) this.#settings.onMoved()
  }

  #lose(error: Error): void {
    // Not after the next query: the server may come back as another one.
    if (this.#isClosing) return
    this.#isLost = true
    this.#settings.onLost(error)
  }

  async #session(applicationName: string, host = this.#host): Promise<Session> {
    const session = await this.#dial(applicationName, host, error => this.#lose(error))
    this.#open.push(session)
    if (this.#isClosing) await session.close()
    return session
  }

  #dial(applicationName: string, host: number, onLost: (error: Error) => void): Promise<Session> {
    const { connections, connectTimeout, staleAfter, onNotification } = this.#settings
    return openSession({
      connections,
      host,
      onAnswer: attempt => {
        this.#attempt = attempt
      },
      applicationName,
      // A host that drops packets must not use up the time of the next one.
      connectTimeout: connectTimeout / connections.hosts,
      answerTimeout: staleAfter,
      onNotification,
      onLost,
    })
  }
}
