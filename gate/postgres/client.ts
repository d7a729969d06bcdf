// A target in pg's terms: the settings of a client for one of its hosts, and what pg has no settings for.

import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client, ClientConfig } from 'pg'
import { type Authentication, guardAuthentication, usesChannelBinding } from './authentication.ts'
import { passwordFor } from './passfile.ts'
import type { Endpoint, Target } from './target.ts'
import type { TlsAttempt } from './tls.ts'

const anyAuthentication: Authentication = { channelBinding: 'prefer' }

/** pg's settings for a client that connects to this endpoint in this way. */
export function clientConfig(target: Target, endpoint: Endpoint, tls: TlsAttempt): ClientConfig {
  const { authentication = anyAuthentication } = target
  return {
    host: endpoint.host,
    port: endpoint.port,
    user: target.user,
    database: target.database,
    password: passwordFor(target, endpoint),
    enableChannelBinding: usesChannelBinding(authentication, tls !== false),
    sslnegotiation: target.sslDirect && tls ? 'direct' : 'postgres',
    ssl: tls && endpoint.name !== undefined ? { ...tls, servername: endpoint.name } : tls,
    options: target.options,
  }
}

/** What {@link prepareClient} adds. */
export interface Preparation {
  /** Seconds until the first probe of a silent connection where the target does not say. */
  readonly idle?: number
  /** The TLS settings are not the target's: its `sslmode` does not say that there may be none. */
  readonly ownTls?: boolean
}

/**
 * Prepares a client that was made with those settings and has not connected yet: how the server may ask for a password,
 * a server without TLS where it may have none, and the kernel's probes of a silent connection, of which pg can set only the
 * time until the first.
 */
export function prepareClient(client: Client, target: Target, { idle, ownTls = false }: Preparation = {}): void {
  const authentication = target.authentication ?? anyAuthentication
  guardAuthentication(client, authentication)
  if (target.sslMode === 'prefer' && !ownTls && authentication.channelBinding !== 'require') goOnWithoutTls(client)
  const { on, idle: asked = idle, interval, count } = target.keepAlive ?? { on: true }
  const { connection } = client
  connection.once('connect', () => {
    const { stream } = connection
    const milliseconds = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1_000)
    if (on && stream instanceof net.Socket)
      stream.setKeepAlive(true, milliseconds(asked), milliseconds(interval), count)
  })
}

/** What pg's connection has, and its types do not. */
interface Negotiating {
  readonly ssl: unknown
  attachListeners(stream: Duplex): void
  emit(event: 'sslconnect'): void
}

/**
 * libpq's `prefer`: a server that says it has no TLS is talked to without, over the same connection. pg would end it, and a
 * second one costs the server a process more.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
 */
function goOnWithoutTls(client: Client): void {
  const { connection } = client
  connection.once('connect', () => {
    const { stream } = connection
    const negotiating = connection as unknown as Negotiating
    const [own] = stream.listeners('data')
    if (!negotiating.ssl || own === undefined) return
    stream.removeAllListeners('data')
    stream.once('data', (answer: Buffer) => {
      // exactly that byte: what follows it unasked could be another's (CVE-2021-23222)
      if (answer.toString('latin1') !== 'N') return void Reflect.apply(own, stream, [answer])
      // what a second client to the same server takes over from this one
      Object.assign(client, { enableChannelBinding: false, ssl: false })
      negotiating.attachListeners(stream)
      negotiating.emit('sslconnect')
    })
  })
}
