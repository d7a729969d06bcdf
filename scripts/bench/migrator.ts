// What the migrator costs beside what it is built from: a start of Node, and psql. Exits 1 if a ratio is over its limit.
//
// BENCH_DATABASE_URL names a superuser's connection to a server to measure on; by default one is started from the npm
// binaries, with fsync on. BENCH_ROUNDS multiplies the rounds.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { buildIfStale, bundle } from '../build/if-stale.ts'
import { removeDataDir } from '../lib/postgres/data.ts'
import { startPostgres } from '../lib/postgres/server.ts'

const factor = Number(process.env.BENCH_ROUNDS ?? 1)
const starts = Math.ceil(25 * factor)
const floods = Math.ceil(3 * factor)

/** A start of the migrator may take at most so many times what `node -e 0` takes. */
const startLimit = 3
/** Many small migrations may take at most so many times what psql takes. */
const floodLimit = 1.3
/** A long history may make a run with nothing to do at most so many times as long. */
const historyLimit = 1.5

interface Comparison {
  readonly what: string
  /** Milliseconds. */
  readonly ours: number
  readonly than: string
  readonly theirs: number
  readonly limit: number
}

/** Something that is measured, again and again. */
class Contender {
  readonly run: () => Promise<number>
  readonly times: number[] = []

  constructor(run: () => Promise<number>) {
    this.run = run
  }

  get median(): number {
    const sorted = this.times.toSorted((a, b) => a - b)
    const middle = (sorted.length - 1) / 2
    return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
  }
}

await buildIfStale()
const work = await mkdtemp(join(tmpdir(), 'schemagate-bench-'))
const dataDir = join(work, 'data')
const given = process.env.BENCH_DATABASE_URL
const server = given ? undefined : await startPostgres({ dataDir, password: 'bench' })
const adminUrl = given ?? server?.url ?? ''
const admin = new pg.Client(adminUrl)
const made: string[] = []
try {
  await admin.connect()
  const { rows } = await admin.query(
    "select current_setting('server_version') as version, current_setting('fsync') as fsync",
  )
  console.log(`Postgres ${rows[0].version}, fsync ${rows[0].fsync}, Node ${process.version}`)
  const comparisons = [...(await idleStarts()), ...(await flood())]
  report(comparisons)
} finally {
  for (const name of made) await admin.query(`drop database if exists ${name} with (force)`).catch(() => {})
  await admin.end()
  await server?.stop('immediate')
  if (server) await removeDataDir(dataDir)
  await rm(work, { recursive: true, force: true })
}

/** Runs with nothing to do: beside a start of Node, and with a long history beside a short one. */
async function idleStarts(): Promise<Comparison[]> {
  const up = async (count: number) => {
    const dir = await migrations(count)
    const url = await database()
    await migrate(url, dir)
    return new Contender(() => migrate(url, dir))
  }
  const bare = new Contender(() => run(process.execPath, ['-e', '0']))
  const [one, hundred, thousand] = [await up(1), await up(100), await up(1_000)]
  await alternate(starts, [bare, one, hundred, thousand])
  return [
    {
      what: 'nothing pending, 100 applied',
      ours: hundred.median,
      than: 'node -e 0',
      theirs: bare.median,
      limit: startLimit,
    },
    {
      what: 'nothing pending, 1,000 applied',
      ours: thousand.median,
      than: 'nothing pending, 1 applied',
      theirs: one.median,
      limit: historyLimit,
    },
  ]
}

/** A thousand small migrations on an empty database, each with a commit of its own, as psql would do it in one go. */
async function flood(): Promise<Comparison[]> {
  if (spawnSync('psql', ['--version']).error) {
    console.log('There is no psql on PATH: 1,000 migrations are not compared with it.')
    return []
  }
  const dir = await migrations(1_000)
  const script = join(work, 'all.sql')
  const blocks = small(1_000).map(({ sql }) => `begin;\n${sql}commit;\n`)
  await writeFile(script, blocks.join(''))
  const ours = new Contender(async () => migrate(await database(), dir))
  const psql = new Contender(async () =>
    run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', script, '-d', await database()]),
  )
  await alternate(floods, [ours, psql])
  return [{ what: '1,000 small migrations', ours: ours.median, than: 'psql', theirs: psql.median, limit: floodLimit }]
}

function small(count: number): { name: string; sql: string }[] {
  return Array.from({ length: count }, (_, i) => {
    const n = String(i + 1).padStart(4, '0')
    const sql = `create table t${n} (id int primary key, name text not null);\ncreate index t${n}_name on t${n} (name);\n`
    return { name: `${n}_table.sql`, sql }
  })
}

async function migrations(count: number): Promise<string> {
  const dir = join(work, `migrations-${count}`)
  await mkdir(dir, { recursive: true })
  for (const { name, sql } of small(count)) await writeFile(join(dir, name), sql)
  return dir
}

async function database(): Promise<string> {
  const name = `schemagate_bench_${process.pid}_${made.length + 1}`
  await admin.query(`create database ${name} template template0`)
  made.push(name)
  // what one side leaves to be written must not be the other's work
  await admin.query('checkpoint')
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return url.href
}

function migrate(url: string, dir: string): Promise<number> {
  return run(process.execPath, [bundle, 'up', '--dir', dir, '--log-level', 'warn'], { DATABASE_URL: url })
}

/** Milliseconds from the start of a process to its end. */
async function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const { NODE_OPTIONS: _, ...clean } = process.env
  const begun = performance.now()
  const child = spawn(program, args, { env: { ...clean, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  const took = performance.now() - begun
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
  return took
}

/** Each by turns, so that whatever else the machine does falls on all alike. */
async function alternate(rounds: number, contenders: readonly Contender[]): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed())
      contender.times.push(await contender.run())
}

function report(comparisons: readonly Comparison[]): void {
  const ms = (time: number) => `${time.toFixed(0)} ms`
  const lines = comparisons.map(({ what, ours, than, theirs, limit }) => {
    const ratio = ours / theirs
    if (ratio > limit) process.exitCode = 1
    return [what, ms(ours), than, ms(theirs), ratio.toFixed(2), limit.toFixed(2), ratio > limit ? 'OVER' : 'ok']
  })
  const table = [['migrator', 'median', 'compared with', 'median', 'ratio', 'limit', ''], ...lines]
  const widths = table[0]?.map((_, i) => Math.max(...table.map(row => row[i]?.length ?? 0))) ?? []
  for (const row of table)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}
