// The gate before connections that leave HTTP behind: WebSockets, and whatever else asks for an upgrade.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Gate } from '../gate.ts'
import { PROBLEM_HEADERS, problem } from '../problem.ts'
import { afterLookOn } from '../requests/after-look.ts'

/** Milliseconds between the gate's closing and the end of the connections: an app may say goodbye on `change`. */
const GOODBYE = 1_000

/** A listener for the `upgrade` event of a server of node:http. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * A listener for a server's `upgrade` that passes on what the gate lets in: `server.on('upgrade', gateUpgrade(gate, listener))`.
 * A connection counts as inside for as long as it lasts. It is ended a second after the gate has closed, and at once when the
 * ledger is taken away: its client connects again, and is answered 503 until the gate is open. No path is exempt.
 */
export function gateUpgrade(gate: Gate, listener: UpgradeListener): UpgradeListener {
  const decide: UpgradeListener = (request, socket, head) => {
    if (!gate.enter()) {
      afterLookOn(
        gate,
        socket,
        () => decide(request, socket, head),
        () => refuse(gate, socket),
      )
      return
    }
    const inside = insideOf.get(gate) ?? watchSockets(gate)
    inside.add(socket)
    socket.once('close', () => {
      inside.delete(socket)
      gate.leave()
    })
    listener(request, socket, head)
  }
  return decide
}

/** The connections that are inside a gate. */
const insideOf = new WeakMap<Gate, Set<Duplex>>()

function watchSockets(gate: Gate): Set<Duplex> {
  const sockets = new Set<Duplex>()
  insideOf.set(gate, sockets)
  const end = () => {
    for (const socket of sockets) socket.destroy()
  }
  let timer: NodeJS.Timeout | undefined
  gate.on('cut', end)
  gate.on('change', () => {
    if (gate.isOpen) {
      clearTimeout(timer)
      timer = undefined
    } else timer ??= setTimeout(end, GOODBYE).unref()
  })
  return sockets
}

/** The socket has a listener for errors already, since its client may have gone. */
function refuse(gate: Gate, socket: Duplex): void {
  const body = JSON.stringify(problem(gate.status))
  const headers = { ...PROBLEM_HEADERS, 'content-length': Buffer.byteLength(body), connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  // what the client has sent already is read, or the kernel would take the answer back; and it need not hang up
  socket.resume()
  socket.end(`HTTP/1.1 503 Service Unavailable\r\n${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
