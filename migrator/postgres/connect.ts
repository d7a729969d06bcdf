// Makes a connection: waits until Postgres answers a query, and tells "not yet" from "no".

import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type BackendKey, sendCancel } from '../../gate/postgres/cancel.ts'
import { clientConfig, prepareClient } from '../../gate/postgres/client.ts'
import { ConnectionError } from '../../gate/postgres/connection-error.ts'
import {
  requireKind,
  rounds,
  type ServerKind,
  type SessionAttributes,
  serverKindColumns,
  WrongServerError,
} from '../../gate/postgres/hosts.ts'
import { failByUnreadable, ProtocolError } from '../../gate/postgres/protocol-error.ts'
import { codeOf, isConnectionLoss, sqlstate } from '../../gate/postgres/sqlstate.ts'
import type { Endpoint, Target } from '../../gate/postgres/target.ts'
import { isTlsRefusal, type TlsAttempt, tlsAttempts } from '../../gate/postgres/tls.ts'
import { now } from '../clock.ts'
import { NoAnswerError, UsageError } from '../errors.ts'
import type { Log } from '../log.ts'
import { formatDuration } from '../text/durations.ts'
import { whyReadOnly } from './read-only.ts'
import { denial, isAnswer, messageOf, reasonOf, wayOut } from './refusals.ts'
import {
  heartbeatInterval,
  idleLimit,
  type Setting,
  sessionSettings,
  setKnown,
  setOneByOne,
} from './session-settings.ts'
import { watchSilence } from './silence.ts'

export interface ConnectOptions {
  readonly target: Target
  /** Milliseconds until giving up. */
  readonly timeout: number
  readonly signal: AbortSignal
  readonly log: Log
  readonly applicationName: string
  /** Only a server that takes writes will do, whatever the target says. */
  readonly writable?: boolean
  /** The one host of the target's that will do. */
  readonly endpoint?: Endpoint
  /** Milliseconds of silence after which the server ends the session, 0 for never; {@link idleLimit} if it is not given. */
  readonly idleLimit?: number
  /** An expression of SQL, of type json, that is asked together with the first question: see {@link Greeting.answer}. */
  readonly ask?: string
  /** Called when the first question is on its way. */
  readonly onAsked?: () => void
}

/** What the server said of itself when it was first asked. */
export interface Greeting {
  /** The server process that answered; behind a pooler in transaction mode only for this once. */
  readonly pid: number
  /** `170004` for 17.4. */
  readonly version: number
  readonly versionText: string
  /** What the session has set for itself; behind a pooler it is for each transaction to set. */
  readonly settings: readonly Setting[]
  /** A standby, or a role or database whose transactions are read-only. */
  readonly readOnly: boolean
  /** What the options' `ask` came to; null where the server would not answer it. */
  readonly answer: unknown
}

export interface Connected {
  readonly client: pg.Client
  readonly endpoint: Endpoint
  readonly greeting: Greeting
  /** The protocol's BackendKeyData: who to name in a cancel request. */
  readonly backendKey: BackendKey
  /** A server had to start, or to recover, before one let us in. */
  readonly wasStarting: boolean
}

/** Milliseconds between two tries: short, so that a database is used as soon as it is there. */
const pollInterval = 50
/** Milliseconds for one try: a host that drops packets instead of refusing them must not use up the whole budget. */
const oneTry = 5_000

/**
 * Connects, trying again while the server is away or starting up.
 * @throws NoAnswerError when the time is up, DeniedError when the server says no, the signal's reason when aborted.
 */
export async function connect(options: ConnectOptions): Promise<Connected> {
  const { target, timeout, signal, log } = options
  const started = now()
  const deadline = started + timeout
  let lastLogged = started
  let lastReason = ''
  // an answer of the server's says more than the timeout of a last, short try
  let answer: unknown
  let wasStarting = false
  for (;;) {
    signal.throwIfAborted()
    let last: unknown
    for (const wanted of rounds(options.writable ? 'read-write' : target.sessionAttributes)) {
      const endpoints = options.endpoint ? [options.endpoint] : inOrder(target)
      for (let endpoint = endpoints.shift(); endpoint; endpoint = endpoints.shift()) {
        try {
          const share = (deadline - now()) / (endpoints.length + 1)
          const connected = await connectOnce(options, endpoint, wanted, Math.max(share, 100))
          if (now() - lastLogged > 1_000 || lastReason)
            log.info({ event: 'connected', durationMs: Math.round(now() - started) }, 'Postgres answers')
          return { ...connected, wasStarting }
        } catch (error) {
          signal.throwIfAborted()
          if (error instanceof WrongServerError) endpoints.unshift(...(await addressesOf(endpoint)))
          else if (!isConnectionLoss(error)) throw denial(error, target, address(endpoint))
          last = error
          if (isAnswer(error)) answer = error
          if (codeOf(error) === sqlstate.cannotConnectNow) wasStarting = true
        }
      }
    }
    const time = now()
    if (time >= deadline) throw noAnswer(/^timeout/.test(messageOf(last)) ? (answer ?? last) : last, target, timeout)
    const reason = reasonOf(last)
    if (time - started > 1_000 && (reason !== lastReason || time - lastLogged > 10_000)) {
      log.info({ event: 'connecting', err: last }, `waiting for Postgres at ${addresses(target)}: ${reason}`)
      lastLogged = time
      lastReason = reason
    }
    await sleep(Math.min(pollInterval, deadline - time), undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** libpq's load_balance_hosts=random takes them in an order of chance, at each try another. */
function inOrder({ endpoints, shuffled }: Target): Endpoint[] {
  const order = [...endpoints]
  if (shuffled) for (let i = order.length - 1; i > 0; i--) order.push(...order.splice(randomInt(i + 1), 1))
  return order
}

/** A name may stand for several servers; the system picked one of its addresses, and that one did not suit. */
async function addressesOf({ host, port, name }: Endpoint): Promise<Endpoint[]> {
  if (name !== undefined || isIP(host) || host.startsWith('/')) return []
  const { lookup } = await import('node:dns/promises')
  const all = await lookup(host, { all: true }).catch(() => [])
  return all.length > 1 ? all.map(({ address }) => ({ host: address, port, name: host })) : []
}

type Wanted = Exclude<SessionAttributes, 'prefer-standby'>

function attemptsFor(target: Target, endpoint: Endpoint): readonly TlsAttempt[] {
  try {
    return tlsAttempts(target, endpoint)
  } catch (error) {
    throw error instanceof ConnectionError ? new UsageError(error.message) : error
  }
}

async function connectOnce(
  options: ConnectOptions,
  endpoint: Endpoint,
  wanted: Wanted,
  remaining: number,
): Promise<Omit<Connected, 'wasStarting'>> {
  const attempts = attemptsFor(options.target, endpoint)
  for (const [i, tls] of attempts.entries()) {
    const client = newClient(options, endpoint, tls, Math.min(remaining, options.target.connectTimeout || oneTry))
    const abort = () => void client.connection.stream.destroy()
    options.signal.addEventListener('abort', abort, { once: true })
    try {
      const backendKey = { pid: 0, secret: 0 }
      client.connection.once('backendKeyData', (key: { processID: number; secretKey: number }) => {
        backendKey.pid = key.processID
        backendKey.secret = key.secretKey
      })
      const connecting = client.connect()
      // what a password's exchange takes is loaded while the server gets ready for it: the startup message is on the way
      client.connection.once(
        tls === false ? 'connect' : 'sslconnect',
        () => void process.getBuiltinModule('node:crypto'),
      )
      await connecting
      const greeting = await inTime(greet(client, wanted, options, backendKey.pid), remaining, () => {
        sendCancel(endpoint, backendKey)
        client.connection.stream.destroy(
          new Error('timeout expired: it took the connection, and gave no answer to the first question'),
        )
      })
      watchSilence(client, endpoint)
      return { client, endpoint, greeting, backendKey }
    } catch (error) {
      client.end().catch(() => {})
      if (i + 1 < attempts.length && isTlsRefusal(error, tls)) continue
      throw error
    } finally {
      options.signal.removeEventListener('abort', abort)
    }
  }
  throw new Error('unreachable: the last attempt returns or throws')
}

async function inTime<T>(work: Promise<T>, milliseconds: number, onLate: () => void): Promise<T> {
  const late = setTimeout(onLate, milliseconds)
  try {
    return await work
  } finally {
    clearTimeout(late)
  }
}

function newClient(options: ConnectOptions, endpoint: Endpoint, tls: TlsAttempt, timeout: number): pg.Client {
  const { target } = options
  const client = new pg.Client({
    ...clientConfig(target, endpoint, tls),
    application_name: options.applicationName,
    connectionTimeoutMillis: timeout,
  })
  // a few seconds: the system's default is two hours, and a server that has vanished is noticed by nothing else
  prepareClient(client, target, { idle: heartbeatInterval / 1_000 })
  failByUnreadable(client)
  // without a listener a lost idle connection would end the process; the next query gets the error
  client.on('error', () => {})
  client.on('notice', ({ severity, message, code }) => {
    options.log[severity === 'WARNING' ? 'warn' : 'debug']({ event: 'notice', severity, code }, `Postgres: ${message}`)
  })
  return client
}

type GreetingRow = { pid: number; version: string; text: string; known: string[] | null; answer: unknown } & ServerKind

/** The first question, and with it the session's settings: one round trip. `key` is the process that the protocol named. */
async function greet(client: pg.Client, wanted: Wanted, options: ConnectOptions, key: number): Promise<Greeting> {
  const settings = sessionSettings(options.idleLimit ?? idleLimit)
  const ask = async (set: readonly Setting[], also = 'null') => {
    const asking = client.query<GreetingRow>(
      `select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('server_version_num') as version,
              pg_catalog.current_setting('server_version') as text, ${serverKindColumns}, ${setKnown(set, key)} as known,
              ${also} as answer`,
    )
    options.onAsked?.()
    const [answer] = (await asking).rows
    if (!answer) throw new ProtocolError('it answers a query without a row')
    return answer
  }
  let row: GreetingRow
  let known: readonly string[]
  try {
    row = await ask(settings, options.ask)
    known = row.known ?? []
  } catch (error) {
    // an error that ends the session, or the connection, is about more than a setting
    if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR') throw error
    row = await ask([])
    known = await setOneByOne(client, settings, options.log, key)
  }
  try {
    requireKind(row, wanted)
  } catch (error) {
    if (!(error instanceof WrongServerError) || row.standby || !row.read_only) throw error
    throw new WrongServerError(`${error.message}. ${await whyReadOnly(client)}`)
  }
  return {
    pid: row.pid,
    version: Number(row.version),
    versionText: row.text,
    settings: settings.filter(([name]) => known.includes(name)),
    readOnly: row.read_only,
    answer: row.answer,
  }
}

/** `host:port` of every host, for messages. */
function addresses(target: Target): string {
  return target.endpoints.map(address).join(', ')
}

function address({ host, port }: Endpoint): string {
  return host.startsWith('/')
    ? `${host} (socket ${port})`
    : host.includes(':')
      ? `[${host}]:${port}`
      : `${host}:${port}`
}

function noAnswer(error: unknown, target: Target, timeout: number): NoAnswerError {
  return new NoAnswerError(
    `Postgres at ${addresses(target)} did not answer within ${formatDuration(timeout)}: ${reasonOf(error)}. ${wayOut(error)}`,
    { cause: error },
  )
}
