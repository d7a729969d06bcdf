// The gate as a Fastify plugin: every request but those to exempt paths is answered 503 while the gate is closed.

import type { ServerHttp2Stream } from 'node:http2'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { afterLook } from '../requests/after-look.ts'
import { requestsInside } from '../requests/requests-inside.ts'
import type { GateMiddlewareOptions } from './express.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The gate that `gatePlugin` was registered with; of several the first. */
    readonly gate: Gate
  }
}

/** What `gatePlugin` takes. */
export interface GatePluginOptions extends GateMiddlewareOptions {
  /** The app's gate; the plugin does not close it with the server. */
  readonly gate: Gate
}

/**
 * A plugin that passes on what the gate lets in, and answers 503 to everything else but exempt paths. Register it first, so
 * that its hook runs before those that count, log in or query. Decorates the instance with `gate`.
 *
 * It decides before the body is read and schemas are checked, also for paths without a route. While a body arrives, its
 * request does not count as inside; once it has arrived, the gate decides again. What Fastify refuses before any hook (a
 * URL that cannot be decoded) goes to `frameworkErrors`: check the gate there if 400 is not the answer you want.
 */
export const gatePlugin: FastifyPluginAsync<GatePluginOptions> = async (fastify: FastifyInstance, options) => {
  const { gate } = options
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  const inside = requestsInside(gate)
  // an app of two databases has two gates
  if (!fastify.hasDecorator('gate')) fastify.decorate('gate', gate)

  /** Requests with a body that count as inside: no longer while the body arrives. */
  const stayOf = new WeakMap<FastifyReply, { leave(): void }>()
  /** Those whose body arrives. */
  const arriving = new WeakSet<FastifyReply>()
  const enters = (request: FastifyRequest, reply: FastifyReply) => {
    if (!gate.enter()) return false
    const stay = inside.add(reply.raw, reply)
    if (hasBody(request)) stayOf.set(reply, stay)
    return true
  }
  const isExempt = (request: FastifyRequest) => exempt.has(pathOf(request.raw.url))

  const decide = (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    if (enters(request, reply) || isExempt(request)) return done()
    afterLook(
      gate,
      () => decide(request, reply, done),
      () => refuse(gate, reply),
    )
  }

  fastify.addHook('onRequest', decide)
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (hasBody(request)) {
      stayOf.get(reply)?.leave()
      arriving.add(reply)
    }
    done()
  })
  fastify.addHook('preValidation', (request, reply, done) => {
    arriving.delete(reply)
    if (hasBody(request)) decide(request, reply, done)
    else done()
  })
  // A body that cannot be read is answered without coming to the hook before.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (!arriving.delete(reply) || gate.isOpen || isExempt(request)) return done(null, payload)
    reply.code(503).headers(PROBLEM_HEADERS)
    done(null, JSON.stringify(problem(gate.status)))
  })
}

// As text: a route's own response schema for 503 could drop parts of it, or reject it.
function refuse(gate: Gate, reply: FastifyReply): void {
  reply
    .code(503)
    .headers(PROBLEM_HEADERS)
    .send(JSON.stringify(problem(gate.status)))
}

function hasBody({ headers, raw }: FastifyRequest): boolean {
  // HTTP/2 needs neither header
  const { stream }: typeof raw & { readonly stream?: Pick<ServerHttp2Stream, 'endAfterHeaders'> } = raw
  if (stream) return !stream.endAfterHeaders
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

// What fastify-plugin does. By hand: this package has no dependency but its peer pg.
Object.assign(gatePlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'schemagate',
})
