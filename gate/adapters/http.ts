// The gate before a server of node:http: before one listener, or before whatever listens.

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Gate } from '../gate.ts'
import { type GateMiddlewareOptions, gateMiddleware } from './express.ts'
import { gateUpgrade, type UpgradeListener } from './upgrade.ts'

/**
 * A request listener that passes on what the gate lets in, and answers 503 to everything else but exempt paths:
 * `createServer(gateListener(gate, listener))`.
 */
export function gateListener(gate: Gate, listener: RequestListener, options?: GateMiddlewareOptions): RequestListener {
  const enter = gateMiddleware(gate, options)
  return (request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) =>
    enter(request, response, () => listener(request, response))
}

/**
 * The gate before everything that listens to a server, now or later: libraries that take a server (ws, socket.io) put their
 * listeners beside a framework's, where its middleware sees nothing of them. Requests are as behind `gateListener`,
 * connections that are upgraded as behind `gateUpgrade`. Returns the server.
 */
export function guardServer<Guarded extends Pick<Server, 'emit'>>(
  gate: Gate,
  server: Guarded,
  options?: GateMiddlewareOptions,
): Guarded {
  const emit: (event: string, ...values: unknown[]) => boolean = server.emit.bind(server)
  const request = gateListener(gate, (...values) => void emit('request', ...values), options)
  const upgrade = gateUpgrade(gate, (...values) => void emit('upgrade', ...values))
  server.emit = (event: string, ...values: unknown[]) => {
    if (event === 'request') request(...(values as Parameters<typeof request>))
    else if (event === 'upgrade') upgrade(...(values as Parameters<UpgradeListener>))
    else return emit(event, ...values)
    return true
  }
  return server
}
