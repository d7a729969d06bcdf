// Health: whether the process runs, and whether it can serve: database and schema told apart.

import type pg from 'pg'
import { type Connection, followGate, type Gate } from 'schemagate-gate'
import { Type } from 'typebox'
import { openPool } from './database.ts'
import type { App } from './fastify.ts'
import type { Logger } from './log.ts'
import { nullable } from './schemas.ts'

const GateSchema = Type.Object({
  state: Type.String(),
  detail: Type.String(),
  head: nullable(Type.String({ description: 'the newest migration this app was built with' })),
  database: nullable(Type.Object({ head: nullable(Type.String({ description: 'the newest migration applied' })) })),
  missing: Type.Optional(Type.Array(Type.String())),
  migrations: Type.Optional(Type.Array(Type.String())),
})

const HealthSchema = Type.Object({
  status: Type.Enum(['healthy', 'unhealthy']),
  database: Type.Enum(['connected', 'disconnected']),
  schema: Type.String({ description: '"ready", or the state of the gate' }),
  reason: Type.Optional(Type.String()),
  gate: GateSchema,
})

/** Milliseconds within which the database must answer: health checks are frequent and have little time. */
const probeTimeout = 1_000

/** Sends the database a query. Undefined if it answered; else the reason, without anything secret. */
export type Probe = () => Promise<string | undefined>

/**
 * A probe with a connection of its own: a pool without free connections is not a database that is down. Requests during a
 * probe share its answer, so that this open route cannot be used to load the database.
 */
export function openProbe(connection: Connection, gate: Gate, log: Logger): { probe: Probe; close(): Promise<void> } {
  const pool = openPool(connection, log, {
    application_name: 'tickets health',
    max: 1,
    connectionTimeoutMillis: probeTimeout,
    query_timeout: probeTimeout,
  })
  followGate(gate, pool)
  let asking: Promise<string | undefined> | undefined
  return {
    probe() {
      asking ??= ask(pool).finally(() => {
        asking = undefined
      })
      return asking
    },
    close: () => pool.end(),
  }
}

async function ask(pool: pg.Pool): Promise<string | undefined> {
  // The pool's own limits count one after another, and neither covers a server that accepts a connection and never answers.
  const { promise: late, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(resolve, probeTimeout, `The database did not answer within ${probeTimeout} ms.`)
  const answer = pool.query('select 1').then(() => undefined, whyNot)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Codes only: a driver's message names hosts, roles and databases. */
function whyNot(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === '28P01' || code === '28000')
    return `The database does not let this app's role log in (${code}): the migrator makes it after its first successful run.`
  if (code === '42501') return `This app's role may not connect to the database (${code}).`
  if (code === '3D000') return `There is no such database (${code}).`
  if (code === '57P03') return `The database is starting up (${code}).`
  if (code === '53300') return `The database has no free connections (${code}).`
  return code === '' ? 'The database does not answer.' : `The database does not answer (${code}).`
}

export interface HealthParts {
  readonly probe: Probe
  readonly gate: Pick<Gate, 'status'>
  readonly isStopping: () => boolean
}

/**
 * /health, whether requests can be served, and /health/live, whether the process runs. Both are exempt from the gate.
 */
export function healthRoutes(app: App, { probe, gate, isStopping }: HealthParts): void {
  const tags = ['health']

  app.get(
    '/health',
    {
      schema: {
        tags,
        summary: 'Whether requests can be served',
        response: { 200: HealthSchema, 503: HealthSchema },
      },
      // the first answer of all: compiling would take longer than a thousand of these
      serializerCompiler: () => data => JSON.stringify(data),
    },
    async (_request, reply) => {
      const unreachable = await probe()
      // After the probe, so that the two halves are of the same moment.
      const { state, detail, head, database, missing, migrations } = gate.status
      const isHealthy = unreachable === undefined && state === 'open' && !isStopping()
      const reason = unreachable ?? (state !== 'open' ? detail : isStopping() ? 'The app is stopping.' : undefined)
      reply.code(isHealthy ? 200 : 503).header('cache-control', 'no-store')
      return {
        status: isHealthy ? ('healthy' as const) : ('unhealthy' as const),
        database: unreachable === undefined ? ('connected' as const) : ('disconnected' as const),
        schema: state === 'open' ? 'ready' : state,
        ...(reason !== undefined && { reason }),
        gate: {
          state,
          detail,
          head,
          database,
          ...(missing && { missing: [...missing] }),
          ...(migrations && { migrations: [...migrations] }),
        },
      }
    },
  )

  app.get(
    '/health/live',
    {
      schema: {
        tags,
        summary: 'Whether the process runs',
        response: { 200: Type.Object({ status: Type.Literal('alive') }) },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      return { status: 'alive' as const }
    },
  )
}
