// A server that has stopped answering, while a question to it is under way: no heartbeat can be sent behind that one, and what
// takes long looks the same.

import net from 'node:net'
import type pg from 'pg'
import { formatDuration } from '../text/durations.ts'
import { isReady } from './heartbeat.ts'

/** Milliseconds between two probes; each has half of it for the shortest answer that there is. */
const probeInterval = 10_000
/** Probes without an answer, one after another, after which a server is gone. */
const mostMissed = 6

interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Watches a connection until it ends. While it hears nothing and a question is under way, the server is asked over another
 * connection whether it is there; one that does not say so for a minute is gone, and the connection to it is cut: what is awaited
 * on it fails as lost.
 */
export function watchSilence(client: pg.Client, address: Address, interval = probeInterval): void {
  const { stream } = client.connection
  let heard = 0
  let missed = 0
  let probing = false
  const look = async () => {
    if (probing) return
    probing = true
    const isHeard = isReady(client) || bytesRead(stream) > heard || (await answers(address, interval / 2))
    probing = false
    heard = bytesRead(stream)
    missed = isHeard ? 0 : missed + 1
    if (missed === mostMissed)
      stream.destroy(
        new Error(`read ETIMEDOUT: the server has not answered for ${formatDuration(mostMissed * interval)}`),
      )
  }
  const timer = setInterval(() => void look(), interval).unref()
  client.once('end', () => clearInterval(timer))
}

function bytesRead(stream: pg.Client['connection']['stream']): number {
  return stream instanceof net.Socket ? stream.bytesRead : 0
}

/**
 * Asks whether the server speaks TLS, which it says to anyone, and logs nothing of. A machine that says no in any way is there.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST
 */
async function answers({ host, port }: Address, timeout: number): Promise<boolean> {
  const socket = host.startsWith('/') ? net.connect(`${host}/.s.PGSQL.${port}`) : net.connect(port, host)
  socket.unref()
  const timer = setTimeout(() => socket.destroy(new Error('timeout')), timeout).unref()
  try {
    return await new Promise<boolean>(resolve => {
      socket.once('data', () => resolve(true))
      socket.once('end', () => resolve(true))
      socket.once('error', error => resolve('code' in error && isRefusal(error.code)))
      socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    })
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function isRefusal(code: unknown): boolean {
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE'
}
