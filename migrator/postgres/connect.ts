// Makes a connection: waits until Postgres answers a query, and tells "not yet" from "no".

import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { formatDuration } from '../durations.ts'
import { DeniedError, NoAnswerError, UsageError } from '../errors.ts'
import type { BackendKey } from '../gate/cancel.ts'
import {
  requireKind,
  rounds,
  type ServerKind,
  type SessionAttributes,
  serverKindColumns,
  WrongServerError,
} from '../gate/hosts.ts'
import type { Log } from '../log.ts'
import { codeOf, isConnectionLoss } from './sqlstate.ts'
import type { Endpoint, Target } from './target.ts'
import { isTlsRefusal, type TlsAttempt, tlsAttempts } from './tls.ts'

export interface ConnectOptions {
  readonly target: Target
  /** Milliseconds until giving up. */
  readonly timeout: number
  readonly signal: AbortSignal
  readonly log: Log
  readonly applicationName: string
  /** Only a server that takes writes will do, whatever the target says. */
  readonly writable?: boolean
}

/** What the server said of itself when it was first asked. */
export interface Greeting {
  /** The server process that answered; behind a pooler in transaction mode only for this once. */
  readonly pid: number
  /** `170004` for 17.4. */
  readonly version: number
  readonly versionText: string
  /** The server can notice that its client is gone while it works (PostgreSQL 14 on, not on every platform). */
  readonly canCheckClient: boolean
  /** A standby, or a role or database whose transactions are read-only. */
  readonly readOnly: boolean
}

export interface Connected {
  readonly client: pg.Client
  readonly endpoint: Endpoint
  readonly greeting: Greeting
  /** The protocol's BackendKeyData: who to name in a cancel request. */
  readonly backendKey: BackendKey
}

/** Between two tries: short, so that a database is used as soon as it is there. */
const step = 50
/** One try: a host that drops packets instead of refusing them must not use up the whole budget. */
const oneTry = 5_000

/**
 * Connects, trying again while the server is away or starting up.
 * @throws NoAnswerError when the time is up, DeniedError when the server says no, the signal's reason when aborted.
 */
export async function connect(options: ConnectOptions): Promise<Connected> {
  const { target, timeout, signal, log } = options
  const started = performance.now()
  const deadline = started + timeout
  let said = started
  let lastReason = ''
  for (;;) {
    signal.throwIfAborted()
    let last: unknown
    for (const wanted of rounds(options.writable ? 'read-write' : target.sessionAttributes)) {
      const endpoints: Endpoint[] = [...target.endpoints]
      for (let endpoint = endpoints.shift(); endpoint; endpoint = endpoints.shift()) {
        try {
          const share = (deadline - performance.now()) / (endpoints.length + 1)
          const connected = await connectOnce(options, endpoint, wanted, Math.max(share, 100))
          if (performance.now() - said > 1_000 || lastReason)
            log.info({ durationMs: Math.round(performance.now() - started) }, 'Postgres answers')
          return connected
        } catch (error) {
          signal.throwIfAborted()
          if (error instanceof WrongServerError) endpoints.unshift(...(await addressesOf(endpoint)))
          else if (!isConnectionLoss(error)) throw denied(error, target, endpoint)
          last = error
        }
      }
    }
    const now = performance.now()
    if (now >= deadline) throw noAnswer(last, target, timeout)
    const reason = reasonOf(last)
    if (now - started > 1_000 && (reason !== lastReason || now - said > 10_000)) {
      log.info({ err: last }, `waiting for Postgres at ${addresses(target)}: ${reason}`)
      said = now
      lastReason = reason
    }
    await sleep(Math.min(step, deadline - now), undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** A name may stand for several servers; the system picked one of its addresses, and that one did not suit. */
async function addressesOf({ host, port, name }: Endpoint): Promise<Endpoint[]> {
  if (name !== undefined || isIP(host) || host.startsWith('/')) return []
  const all = await lookup(host, { all: true }).catch(() => [])
  return all.length > 1 ? all.map(({ address }) => ({ host: address, port, name: host })) : []
}

type Wanted = Exclude<SessionAttributes, 'prefer-standby'>

async function connectOnce(
  options: ConnectOptions,
  endpoint: Endpoint,
  wanted: Wanted,
  remaining: number,
): Promise<Connected> {
  const attempts = tlsAttempts(options.target, endpoint)
  for (const [i, tls] of attempts.entries()) {
    const client = newClient(options, endpoint, tls, Math.min(remaining, oneTry))
    const abort = () => void client.connection.stream.destroy()
    options.signal.addEventListener('abort', abort, { once: true })
    try {
      const backendKey = { pid: 0, secret: 0 }
      client.connection.once('backendKeyData', (key: { processID: number; secretKey: number }) => {
        backendKey.pid = key.processID
        backendKey.secret = key.secretKey
      })
      await client.connect()
      const greeting = await greet(client, wanted)
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

function newClient(options: ConnectOptions, endpoint: Endpoint, tls: TlsAttempt, timeout: number): pg.Client {
  const { target } = options
  const client = new pg.Client({
    host: endpoint.host,
    port: endpoint.port,
    user: target.user,
    database: target.database,
    password: target.password,
    ssl: tls && endpoint.name !== undefined ? { ...tls, servername: endpoint.name } : tls,
    options: target.options,
    application_name: options.applicationName,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
  })
  // without a listener a lost idle connection would end the process; whoever queries next gets the error
  client.on('error', () => {})
  client.on('notice', ({ severity, message, code }) => {
    options.log[severity === 'WARNING' ? 'warn' : 'debug']({ event: 'notice', severity, code }, `Postgres: ${message}`)
  })
  return client
}

async function greet(client: pg.Client, wanted: Wanted): Promise<Greeting> {
  const { rows } = await client.query<
    { pid: number; version: string; text: string; check_client: boolean } & ServerKind
  >(
    `select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('server_version_num') as version,
            pg_catalog.current_setting('server_version') as text,
            pg_catalog.current_setting('client_connection_check_interval', true) is not null as check_client,
            ${serverKindColumns}`,
  )
  const row = rows[0]!
  requireKind(row, wanted)
  return {
    pid: row.pid,
    version: Number(row.version),
    versionText: row.text,
    canCheckClient: row.check_client,
    readOnly: row.read_only,
  }
}

/** `host:port` of every host, for messages. */
export function addresses(target: Target): string {
  return target.endpoints.map(address).join(', ')
}

function address({ host, port }: Endpoint): string {
  return host.startsWith('/')
    ? `${host} (socket ${port})`
    : host.includes(':')
      ? `[${host}]:${port}`
      : `${host}:${port}`
}

function reasonOf(error: unknown): string {
  const code = codeOf(error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its name cannot be resolved yet (${code})`
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)'
  const message = error instanceof Error ? error.message : String(error)
  return code ? `${message} (${code})` : message
}

function noAnswer(error: unknown, target: Target, timeout: number): NoAnswerError {
  return new NoAnswerError(
    `Postgres at ${addresses(target)} did not answer within ${formatDuration(timeout)}: ${reasonOf(error)}. ` +
      'Is it running, and are host and port right? --connect-timeout sets how long to wait.',
    { cause: error },
  )
}

/** The server's "no", with what to do about it. */
function denied(error: unknown, target: Target, endpoint: Endpoint): DeniedError | UsageError {
  if (error instanceof UsageError) return error
  const at = `Postgres at ${address(endpoint)}`
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const text =
    code === '28P01' || message.startsWith('SASL')
      ? target.password === undefined
        ? `${at} asks for a password for user "${target.user}", and none was given. Put it in DATABASE_URL, PGPASSWORD or PGPASSWORD_FILE.`
        : `${at} refused the password of user "${target.user}" (28P01). Correct it in DATABASE_URL or PGPASSWORD; a Postgres volume keeps the password that it was first made with.`
      : code === '3D000'
        ? `${at} has no database "${target.database}" (3D000). Create it (createdb ${target.database}), or correct the name in DATABASE_URL.`
        : code === '28000'
          ? `${at} does not let user "${target.user}" in (28000): ${message}. Check that the role exists and may log in, and pg_hba.conf.`
          : code === '42501'
            ? `${at} denies user "${target.user}" (42501): ${message}. Grant it CONNECT on database "${target.database}".`
            : code !== undefined && /CERT|SIGNATURE|^ERR_(TLS|SSL)|^EPROTO|UNABLE_TO/.test(code)
              ? `The TLS certificate of ${at} is not accepted (${code}): ${message}. Check sslrootcert, the host's name, and sslmode (now ${target.sslMode}).`
              : /does not support SSL/.test(message)
                ? `${at} does not speak TLS, and sslmode is ${target.sslMode}. Turn TLS on there, or use sslmode=prefer.`
                : `${at} refused the connection${code ? ` (${code})` : ''}: ${message}`
  return new DeniedError(text, { cause: error })
}
