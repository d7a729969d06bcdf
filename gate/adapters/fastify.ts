// The gate as a Fastify plugin: every request but those to exempt paths is answered 503 while the gate is closed.

import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { stayInside } from '../requests-inside.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly gate: Gate
  }
}

export interface GatePluginOptions {
  readonly gate: Gate
  /** Paths answered whatever the gate says. Default `/health`, `/health/live`. */
  readonly exempt?: readonly string[] | undefined
}

/**
 * Register it first, so that its hook comes before those that count, log in or query. Decorates the instance: `gate`.
 *
 * It decides before the handler, the body and the schemas, and for paths without a route. A body may take its sender as
 * long as he likes: until it has come the request counts as outside, and then it is decided upon anew. What Fastify
 * refuses before any hook (a URL that cannot be decoded) is answered by `frameworkErrors`: ask the gate there, if 400 is
 * not enough.
 */
export const gatePlugin: FastifyPluginAsync<GatePluginOptions> = async (fastify: FastifyInstance, options) => {
  const { gate } = options
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  fastify.decorate('gate', gate)

  /** Requests with a body that are counted, and what ends that: they leave while it comes. */
  const inside = new WeakMap<FastifyReply, () => void>()
  const comesIn = (request: FastifyRequest, reply: FastifyReply) => {
    if (!gate.enter()) return false
    const leave = stayInside(gate, reply.raw, () => reply.sent || reply.raw.writableEnded)
    if (hasBody(request)) inside.set(reply, leave)
    return true
  }
  const isExempt = (request: FastifyRequest) => exempt.has(pathOf(request.raw.url))

  fastify.addHook('onRequest', (request, reply, done) => {
    if (comesIn(request, reply) || isExempt(request)) done()
    else refuse(gate, reply)
  })
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (hasBody(request)) inside.get(reply)?.()
    done()
  })
  fastify.addHook('preValidation', (request, reply, done) => {
    if (!hasBody(request) || comesIn(request, reply) || isExempt(request)) done()
    else refuse(gate, reply)
  })
}

// As text: a route's response schema for a 503 of its own would drop parts of it, or fail for what it lacks.
function refuse(gate: Gate, reply: FastifyReply): void {
  reply
    .code(503)
    .headers(PROBLEM_HEADERS)
    .send(JSON.stringify(problem(gate.status)))
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

// What fastify-plugin does, without the dependency: the hook and the decoration belong to the instance that registers it.
Object.assign(gatePlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'schemagate',
})
