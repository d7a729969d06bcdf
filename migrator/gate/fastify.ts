// The gate as a Fastify plugin: every request but those to exempt paths is answered 503 while the gate is closed.

import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Gate } from './gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly gate: Gate
  }
}

export interface GatePluginOptions {
  readonly gate: Gate
  /** Paths answered whatever the gate says. Default `/health`, `/health/live`. */
  readonly exempt?: readonly string[]
}

/** Register it first, so that its hook comes before those that count, log in or query. Decorates the instance: `gate`. */
export const gatePlugin: FastifyPluginAsync<GatePluginOptions> = async (fastify: FastifyInstance, options) => {
  const { gate } = options
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  fastify.decorate('gate', gate)

  fastify.addHook('onRequest', (request, reply, done) => {
    if (gate.enter()) {
      reply.raw.once('close', () => gate.leave())
      done()
    } else if (exempt.has(pathOf(request.raw.url))) {
      done()
    } else {
      reply.code(503).headers(PROBLEM_HEADERS).send(problem(gate.status))
    }
  })
}

// What fastify-plugin does, without the dependency: the hook and the decoration belong to the instance that registers it.
Object.assign(gatePlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'schemagate',
})
