// The gate before a server of node:http alone.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Gate } from '../gate.ts'
import { type GateMiddlewareOptions, gateMiddleware } from './express.ts'

/**
 * A request listener that passes on what the gate lets in, and answers 503 to everything else but exempt paths:
 * `createServer(gateListener(gate, listener))`.
 */
export function gateListener(gate: Gate, listener: RequestListener, options?: GateMiddlewareOptions): RequestListener {
  const enter = gateMiddleware(gate, options)
  return (request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) =>
    enter(request, response, () => listener(request, response))
}
