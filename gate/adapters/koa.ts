// The gate as middleware for Koa.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { enterAfterLook } from '../after-look.ts'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { requestsInside } from '../requests-inside.ts'
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
 * Middleware that passes on what the gate lets in, and answers 503 to everything else but exempt paths. Use it first:
 * middleware before it is not behind the gate.
 */
export function gateMiddleware(gate: Gate, options: GateMiddlewareOptions = {}): KoaMiddleware {
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  const inside = requestsInside(gate)
  return async (context, next) => {
    const isExempt = () => exempt.has(pathOf(context.originalUrl))
    if (gate.enter() || (!isExempt() && (await enterAfterLook(gate)))) {
      // Koa writes no answer to a client that has disconnected, so the response alone does not show the handler's end.
      const work = { sent: false }
      inside.add(context.res, work)
      try {
        await next()
      } finally {
        work.sent = true
      }
    } else if (isExempt()) {
      await next()
    } else {
      context.status = 503
      context.set({ ...PROBLEM_HEADERS })
      context.body = JSON.stringify(problem(gate.status))
    }
  }
}
