// The protocol's cancel request: stops what a server process is doing, over a connection of its own.

import net from 'node:net'
import type { Duplex } from 'node:stream'

const cancelRequestCode = 80_877_102

/** What BackendKeyData said of a server process. */
export interface BackendKey {
  readonly pid: number
  readonly secret: number
}

/** Where a server is. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** pg's option: makes a socket that leads there by a way of its own, such as a connector of a cloud. */
  readonly stream?: (() => Duplex | undefined) | undefined
}

/**
 * Sends a cancel request; whether it came in time shows in what it was to stop. It carries the process id and its secret
 * key, in clear even where the session has TLS, as libpq before 17 does.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-CANCELREQUEST
 */
export function sendCancel(server: ServerAddress, { pid, secret }: BackendKey): void {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(cancelRequestCode, 4)
  message.writeInt32BE(pid, 8)
  message.writeInt32BE(secret, 12)
  const socket = connectTo(server)
  socket.on('error', () => {})
  socket.once('connect', () => socket.end(message))
}

function connectTo({ host, port, stream }: ServerAddress): Duplex {
  const made = stream?.() as net.Socket | undefined
  if (made !== undefined) return made.connect(port, host)
  return host.startsWith('/') ? net.connect(`${host}/.s.PGSQL.${port}`) : net.connect(port, host)
}
