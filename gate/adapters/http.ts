// The gate before a server of node:http: before one listener, or before whatever listens.

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Gate } from '../gate.ts'
import { type GateMiddlewareOptions, gateMiddleware } from './express.ts'
import { gateUpgrade } from './upgrade.ts'

/**
 * A request listener that passes on what the gate lets in, and answers 503 to everything else but exempt paths:
 * `createServer(gateListener(gate, listener))`.
 */
export function gateListener(gate: Gate, listener: RequestListener, options?: GateMiddlewareOptions): RequestListener {
  const enter = gateMiddleware(gate, options)
  return (request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) =>
    enter(request, response, () => listener(request, response))
}

/** Each with a request and its response: one that says `Expect` goes to a listener of its own. */
const requestEvents = ['request', 'checkContinue', 'checkExpectation']
const upgradeEvents = ['upgrade', 'connect']

/**
 * The gate before everything that listens to a server, now or later: libraries that take a server (ws, socket.io) put their
 * listeners beside a framework's, where its middleware sees nothing of them. Requests are as behind `gateListener`,
 * connections that are upgraded as behind `gateUpgrade`; listeners for HTTP/2's `stream` are not behind it. Returns the server.
 */
export function guardServer<Guarded extends Pick<Server, 'emit'>>(
  gate: Gate,
  server: Guarded,
  options?: GateMiddlewareOptions,
): Guarded {
  const emit: (event: string, ...values: unknown[]) => boolean = server.emit.bind(server)
  const passOn =
    (event: string) =>
    (...values: unknown[]) =>
      void emit(event, ...values)
  const guarded = new Map<string, (...values: never[]) => void>([
    ...requestEvents.map(event => [event, gateListener(gate, passOn(event), options)] as const),
    ...upgradeEvents.map(event => [event, gateUpgrade(gate, passOn(event))] as const),
  ])
  server.emit = (event: string, ...values: unknown[]) => {
    const listener = guarded.get(event)
    if (!listener) return emit(event, ...values)
    Reflect.apply(listener, undefined, values)
    return true
  }
  return server
}
