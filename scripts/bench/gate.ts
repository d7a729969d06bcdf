// What the gate costs: for each request while it is open, and for the database at each look. Exits 1 if a request costs more
// than its limit.

import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import pg from 'pg'
import { gatePlugin } from '../../gate/adapters/fastify.ts'
import { createGate, type Gate } from '../../gate/gate.ts'
import { awaitedSql, ledgerSql } from '../../gate/ledger-query.ts'
import type { Manifest } from '../../gate/protocol/manifest.ts'
import { ledgerDdl } from '../../migrator/ledger/versions.ts'
import { startPostgres } from '../lib/postgres/server.ts'

const ROUNDS = 200
const REQUESTS = 200
const LOOKS = 300

const dataDir = await mkdtemp(join(tmpdir(), 'schemagate-bench-'))
const server = await startPostgres({ dataDir, password: 'bench', fsync: false })
const client = new pg.Client(server.url)
await client.connect()
try {
  await client.query(ledgerDdl('schemagate'))
  await requests(await openGate(manifestOf(100)))
  for (const count of [10, 100, 1000]) await looks(count)
} finally {
  await client.end()
  await server.stop('immediate')
  await rm(dataDir, { recursive: true, force: true })
}

async function requests(gate: Gate): Promise<void> {
  const calls = 20_000_000
  const started = performance.now()
  for (let i = 0; i < calls; i++) if (gate.enter()) gate.leave()
  console.log(`enter and leave: ${(((performance.now() - started) / calls) * 1e6).toFixed(0)} ns`)

  await compare('a request that does nothing', 1.25, gate, async () => ({ hello: 'world' }))
  const pool = new pg.Pool({ connectionString: server.url, max: 1 })
  await compare('a request with one query', 1.1, gate, async () => (await pool.query('select 1 as one')).rows)
  await Promise.all([pool.end(), gate.close()])
}

/** @param limit how many times of what it costs without the gate it may cost: below, other noise is louder. */
async function compare(what: string, limit: number, gate: Gate, handler: () => Promise<unknown>): Promise<void> {
  const bare = await service(handler)
  const gated = await service(handler, gate)
  for (const app of [bare, gated]) await round(app)
  // By turns, many times: what the machine does besides falls on both alike.
  const times = { bare: [] as number[], gated: [] as number[] }
  for (let i = 0; i < ROUNDS; i++) {
    if (i % 2 === 0) times.bare.push(await round(bare))
    times.gated.push(await round(gated))
    if (i % 2 === 1) times.bare.push(await round(bare))
  }
  const [without, behind] = [quickest(times.bare), quickest(times.gated)]
  const isOver = behind / without > limit
  if (isOver) process.exitCode = 1
  console.log(
    `${what}: ${without.toFixed(1)} µs without the gate, ${behind.toFixed(1)} µs behind it, ratio ${(behind / without).toFixed(3)}, limit ${limit}: ${isOver ? 'OVER' : 'ok'}`,
  )
  await Promise.all([bare.close(), gated.close()])
}

async function service(handler: () => Promise<unknown>, gate?: Gate): Promise<FastifyInstance> {
  const app = fastify()
  if (gate) await app.register(gatePlugin, { gate })
  app.get('/', handler)
  await app.ready()
  return app
}

/** Microseconds of processor time for one request, without a network: the plugin's share shows best there. */
async function round(app: FastifyInstance): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < REQUESTS; i++) {
    const { statusCode } = await app.inject('/')
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / REQUESTS
}

async function looks(count: number): Promise<void> {
  await fill(manifestOf(count))
  const { rows } = await client.query<{ digest: string }>(ledgerSql('schemagate', ''))
  const look = await timed(ledgerSql('schemagate', rows[0]!.digest))
  const locks = await timed(awaitedSql('schemagate'))
  console.log(
    `a look at ${count} migrations: ${look.toFixed(2)} ms, and ${locks.toFixed(2)} ms to see who waits: ${(((look + locks) / 1000) * 100).toFixed(3)} % of a connection at one a second`,
  )
}

async function timed(sql: string): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < LOOKS; i++) {
    const started = performance.now()
    await client.query(sql)
    times.push(performance.now() - started)
  }
  return median(times)
}

/** The lower quartile: on a machine that others use, what is above it is mostly theirs. */
function quickest(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 4)]!
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!
}

function manifestOf(count: number): Manifest {
  const migrations = Array.from({ length: count }, (_, i) => {
    const name = `${String(i + 1).padStart(4, '0')}_a_migration_with_a_name_of_usual_length`
    return { name, checksum: createHash('sha256').update(name).digest('hex'), kind: 'sql', breaking: false } as const
  })
  return { version: 1, head: migrations.at(-1)?.name ?? null, migrations }
}

async function fill(manifest: Manifest): Promise<void> {
  await client.query('truncate schemagate.ledger')
  await client.query(
    `insert into schemagate.ledger (name, checksum, position, kind, run_id, tool_version)
     select name, checksum, ordinality, 'sql', gen_random_uuid(), 'bench'
     from rows from (jsonb_to_recordset($1) as (name text, checksum text)) with ordinality`,
    [JSON.stringify(manifest.migrations)],
  )
  await client.query('analyze schemagate.ledger')
}

async function openGate(manifest: Manifest): Promise<Gate> {
  await fill(manifest)
  // The loop of calls blocks the event loop for longer than an answer holds otherwise.
  const gate = createGate({ url: server.url, manifest, staleAfter: 60_000 })
  await gate.whenOpen({ timeout: 10_000 })
  return gate
}
