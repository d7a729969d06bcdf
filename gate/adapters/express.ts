// The gate as middleware for Express, Connect and other frameworks that call (request, response, next).

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { afterLook } from '../requests/after-look.ts'
import { requestsInside } from '../requests/requests-inside.ts'

/** What an adapter takes besides the gate. */
export interface GateMiddlewareOptions {
  /**
   * Paths that are answered also while the gate is closed. Default `/health`, `/health/live`; other paths replace both. Each
   * is compared as it was sent, without its query: a pattern, or the end of a path, matches nothing.
   */
  readonly exempt?: readonly string[] | undefined
}

/** Middleware of Express and Connect. They cut the path that it is mounted on off `url`, and keep it in `originalUrl`. */
export type ConnectMiddleware = (
  request: IncomingMessage & { readonly originalUrl?: string | undefined },
  response: ServerResponse,
  next: () => void,
) => void

/**
 * Middleware that passes on what the gate lets in, and answers 503 to everything else but exempt paths. Use it first:
 * middleware before it is not behind the gate. Use it again after the middleware that reads bodies, so that
 * a request is refused if the gate has closed while its body arrived.
 */
export function gateMiddleware(gate: Gate, options: GateMiddlewareOptions = {}): ConnectMiddleware {
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  const inside = requestsInside(gate)
  const decide: ConnectMiddleware = (request, response, next) => {
    if (gate.enter()) {
      inside.add(response)
      next()
    } else if (exempt.has(pathOf(request.originalUrl ?? request.url))) {
      next()
    } else {
      afterLook(
        gate,
        () => decide(request, response, next),
        () => refuse(gate, request, response),
      )
    }
  }
  return decide
}

function refuse(gate: Gate, request: IncomingMessage, response: ServerResponse): void {
  const body = JSON.stringify(problem(gate.status))
  response.writeHead(503, { ...PROBLEM_HEADERS, 'content-length': Buffer.byteLength(body) })
  response.end(request.method === 'HEAD' ? undefined : body)
}
