// The protocol's cancel request: stops what a server process is doing, over a connection of its own.

import net from 'node:net'

const cancelRequestCode = 80_877_102

/** What BackendKeyData said of a server process. */
export interface BackendKey {
  readonly pid: number
  readonly secret: number
}

/**
 * Sends a cancel request; whether it came in time shows in what it was to stop. It carries the process id and its secret
 * key, in clear even where the session has TLS, as libpq before 17 does.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-CANCELREQUEST
 */
export function sendCancel({ host, port }: { host: string; port: number }, { pid, secret }: BackendKey): void {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(cancelRequestCode, 4)
  message.writeInt32BE(pid, 8)
  message.writeInt32BE(secret, 12)
  const socket = host.startsWith('/') ? net.connect(`${host}/.s.PGSQL.${port}`) : net.connect(port, host)
  socket.on('error', () => {})
  socket.end(message)
}
