// The gate as middleware, for Express, Connect, and whatever else calls (request, response, next).

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { stayInside } from '../requests-inside.ts'

export interface GateMiddlewareOptions {
  /** Paths answered whatever the gate says. Default `/health`, `/health/live`. */
  readonly exempt?: readonly string[] | undefined
}

/** `originalUrl`: where middleware is mounted on a path, Express and Connect cut that off `url`. */
export type ConnectMiddleware = (
  request: IncomingMessage & { readonly originalUrl?: string | undefined },
  response: ServerResponse,
  next: () => void,
) => void

/**
 * Use it first, before anything that answers: what stands before it is not behind the gate. Used once more after what
 * reads bodies, it refuses a request whose body came when the gate had closed meanwhile.
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
