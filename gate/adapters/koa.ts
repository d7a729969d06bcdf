// The gate as middleware for Koa.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { enterAfterLook } from '../requests/after-look.ts'
import { requestsInside } from '../requests/requests-inside.ts'
import { GateClosedError, type GateStatus } from '../status.ts'
import type { GateMiddlewareOptions } from './express.ts'

/** What is used of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly originalUrl: string
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

/** Middleware as Koa takes it. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<void>

/**
 * Middleware that passes on what the gate lets in, and answers 503 to everything else but exempt paths, and where a guarded
 * pool refuses. Use it first: middleware before it is not behind the gate.
 */
export function gateMiddleware(gate: Gate, options: GateMiddlewareOptions = {}): KoaMiddleware {
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  const inside = requestsInside(gate)
  return async (context, next) => {
    const isExempt = () => exempt.has(pathOf(context.originalUrl))
    // Koa writes no answer to a client that has disconnected, so the response alone does not show the handler's end.
    const work = { sent: false }
    try {
      if (gate.enter() || (!isExempt() && (await enterAfterLook(gate)))) {
        inside.add(context.res, work)
        await next()
      } else if (isExempt()) await next()
      else refuse(context, gate.status)
    } catch (error) {
      // of a guarded pool: Koa would look at its `status` before its `statusCode`, and answer 500
      if (!(error instanceof GateClosedError)) throw error
      refuse(context, error.status)
    } finally {
      work.sent = true
    }
  }
}

function refuse(context: KoaContext, status: GateStatus): void {
  context.status = 503
  context.set({ ...PROBLEM_HEADERS })
  context.body = JSON.stringify(problem(status))
}
