// What a server sends that pg cannot read: another program listens there, or the server asks for a login that pg does not know.

import type { Duplex } from 'node:stream'
import type { Client } from 'pg'

/** The server's answer is not what Postgres' protocol has there, or pg does not know it. */
export class ProtocolError extends Error {
  /** The way to log in that it asks for, where pg does not have that. */
  readonly login: string | undefined
  constructor(message: string, options: { cause?: unknown; login?: string | undefined } = {}) {
    super(message, { cause: options.cause })
    this.login = options.login
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html, AuthenticationKerberosV5 and those behind it */
const unspokenLogins: Readonly<Record<string, string>> = { 2: 'Kerberos', 6: 'SCM credentials', 7: 'GSSAPI', 9: 'SSPI' }

type Listener = (chunk: unknown) => void

/** What pg's connection has, and its types do not. */
interface Reading {
  attachListeners(stream: { on(event: string, listener: Listener): unknown }): void
}

/**
 * Has a client that has not connected yet fail by what it cannot read. pg throws from a listener of the socket, where no one
 * can catch it: the process would end.
 */
export function failByUnreadable(client: Client): void {
  const reading = client.connection as unknown as Reading
  const attach = reading.attachListeners.bind(reading)
  // again for the stream that TLS puts in the place of the first one
  reading.attachListeners = stream =>
    attach({
      on: (event, listener) => stream.on(event, event === 'data' ? guarded(listener, stream as Duplex) : listener),
    })
}

function guarded(listener: Listener, stream: Duplex): Listener {
  return chunk => {
    try {
      listener(chunk)
    } catch (cause) {
      stream.destroy(protocolError(cause))
    }
  }
}

function protocolError(cause: unknown): ProtocolError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const code = /authenticationOk message type (\d+)/.exec(message)?.[1]
  const login = code === undefined ? undefined : (unspokenLogins[code] ?? `a method of number ${code}`)
  return login === undefined
    ? new ProtocolError(`its answer cannot be read: ${message}`, { cause })
    : new ProtocolError(`it asks for a login by ${login}, which is not spoken here`, { cause, login })
}
