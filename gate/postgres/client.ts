// A target in pg's terms: the settings of a client for one of its hosts, and what pg has no settings for.

import net from 'node:net'
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

/**
 * Prepares a client that was made with those settings and has not connected yet: how the server may ask for a password,
 * and the kernel's probes of a silent connection, of which pg can set only the time until the first.
 * @param idle seconds until the first probe where the target does not say.
 */
export function prepareClient(client: Client, target: Target, idle?: number): void {
  guardAuthentication(client, target.authentication ?? anyAuthentication)
  const { on, idle: asked = idle, interval, count } = target.keepAlive ?? { on: true }
  const { connection } = client
  connection.once('connect', () => {
    const { stream } = connection
    const milliseconds = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1_000)
    if (on && stream instanceof net.Socket)
      stream.setKeepAlive(true, milliseconds(asked), milliseconds(interval), count)
  })
}
