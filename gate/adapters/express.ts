// The gate as middleware for Express, Connect and other frameworks that call (request, response, next).

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { stayInside } from '../requests-inside.ts'

export interface GateMiddlewareOptions {
  /** Paths that are answered also while the gate is closed. Default `/health`, `/health/live`. */
  readonly exempt?: readonly string[] | undefined
}

/** `originalUrl`: Express and Connect cut the path that middleware is mounted on off `url`. */
export type ConnectMiddleware = (
  request: IncomingMessage & { readonly originalUrl?: string | undefined },
  response: ServerResponse,
  next: () => void,
) => void

/**
 * Use it first: middleware before it is not behind the gate. Use it again after the middleware that reads bodies, so that
 * a request is refused if the gate has closed while its body arrived.
 */
export function gateMiddleware(gate: Gate, options: GateMiddlewareOptions = {}): ConnectMiddleware {
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  return (request, response, next) => {
    if (gate.enter()) {
      stayInside(gate, response)
      next()
    } else if (exempt.has(pathOf(request.originalUrl ?? request.url))) {
      next()
    } else {
      const body = JSON.stringify(problem(gate.status))
      response.writeHead(503, { ...PROBLEM_HEADERS, 'content-length': Buffer.byteLength(body) })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
  }
}
