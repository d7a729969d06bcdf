// The server: what every request passes through, and the routes behind it.

import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger } from 'fastify'
import type pg from 'pg'
import { type Gate, GateClosedError, guardPool } from 'schemagate-gate'
import { gatePlugin } from 'schemagate-gate/fastify'
import { createBearer } from './auth/bearer.ts'
import { createPasswords } from './auth/passwords.ts'
import { authRoutes } from './auth/routes.ts'
import { createTokens } from './auth/tokens.ts'
import { acceptOnlyJson, bodyLimit } from './body.ts'
import { serveDocs } from './docs.ts'
import { answerError, toProblem } from './errors.ts'
import type { App } from './fastify.ts'
import { healthRoutes, type Probe } from './health.ts'
import type { Logger } from './log.ts'
import { answerUnknownRoutes } from './methods.ts'
import { Problem, sendProblem } from './problem.ts'
import { requestLimits } from './request-limits.ts'
import { RequestLog } from './request-log.ts'
import { compilersFactory } from './schema-compilers.ts'
import type { Settings } from './settings.ts'
import { ticketRoutes } from './tickets/routes.ts'
import { answerWireError } from './wire-errors.ts'

const longestUrl = 2_000
const requestTimeout = 30_000

export interface ServerParts {
  readonly settings: Pick<Settings, 'jwtSecret' | 'authRateLimit' | 'trustedProxies'>
  readonly log: Logger
  readonly pool: pg.Pool
  readonly probe: Probe
  readonly gate: Gate
  /** Whether the app has been told to stop. */
  readonly isStopping: () => boolean
}

/** Builds the server; it does not listen yet, and has sent the database nothing. */
export async function buildServer({ settings, log, pool, probe, gate, isStopping }: ServerParts): Promise<App> {
  const logger: FastifyBaseLogger = log
  const app = fastify({
    loggerInstance: logger,
    logController: new RequestLog(),
    bodyLimit,
    ...requestLimits(requestTimeout),
    trustProxy: settings.trustedProxies.length > 0 ? [...settings.trustedProxies] : false,
    // A request that comes in on an open connection while we stop is served, and the connection closed.
    return503OnClosing: false,
    // Types are not coerced, and unknown properties are refused. The schemas themselves are TypeBox's: checking
    // them against the meta-schema at each start would cost more than all the rest of it.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true, validateSchema: false } },
    schemaController: { compilersFactory },
    // URLs that reach no route, not even the 404 handler, and so no hook either: the gate is asked here.
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, toProblem(gate.isOpen ? error : new GateClosedError(gate.status)))
    },
    clientErrorHandler: answerWireError,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setErrorHandler(answerError)
  answerUnknownRoutes(app)
  acceptOnlyJson(app)
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  })
  // Before every other hook: behind a closed gate no request is counted, read or sent on to the database.
  await app.register(gatePlugin, { gate })
  app.addHook('onRequest', async (request, reply) => {
    // Its connection has ended, because of what came behind its headers: there is no client to answer, and no address to count.
    if (request.raw.socket.destroyed) return reply.hijack()
    if (request.url.length > longestUrl) throw new Problem(414, `A URL has at most ${longestUrl} characters.`)
    // Tokens and tickets must not be cached.
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
  })
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, { after }) => new Problem(429, `Too many requests. Try again in ${after}.`),
  })
  serveDocs(app)

  healthRoutes(app, { probe, gate, isStopping })
  guardPool(gate, pool)
  const tokens = createTokens(settings.jwtSecret)
  const bearer = createBearer(pool, tokens)
  await app.register(
    async scope =>
      authRoutes(scope, { pool, passwords: createPasswords(), tokens, bearer, rateLimit: settings.authRateLimit }),
    { prefix: '/api/v1/auth' },
  )
  await app.register(async scope => ticketRoutes(scope, { pool, bearer }), { prefix: '/api/v1/tickets' })
  return app
}
