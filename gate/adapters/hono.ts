// The gate as middleware for Hono, on any runtime that has node:net.

import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT } from '../problem.ts'
import type { GateMiddlewareOptions } from './express.ts'
import { throughGate } from './fetch.ts'

/** What is used of Hono's context. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  get res(): Response
  set res(response: Response | undefined)
}

/** Middleware as Hono takes it. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<void>

/**
 * Middleware that passes on what the gate lets in, and answers 503 to everything else but exempt paths. Use it first:
 * `app.use(gateMiddleware(gate))`. Middleware before it is not behind the gate. A request counts as inside until its
 * answer's body was read. A WebSocket goes on behind a closed gate: on Node `guardServer` ends it.
 */
export function gateMiddleware(gate: Gate, options: GateMiddlewareOptions = {}): HonoMiddleware {
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  return async (context, next) => {
    const response = await throughGate(gate, exempt, context.req.raw, async () => {
      await next()
      return context.res
    })
    // Hono merges the headers of the answer before into the next one, unless that is taken away first.
    context.res = undefined
    context.res = response
  }
}
