// What `verify` costs on a schema of 2,000 objects, once its expected schema is known. Exits 1 if that is over its limit.
//
// BENCH_DATABASE_URL names a superuser's connection to a server to measure on; by default one is started from the npm
// binaries.

import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { buildIfStale, bundle } from '../build/if-stale.ts'
import { removeDataDir } from '../lib/postgres/data.ts'
import { startPostgres } from '../lib/postgres/server.ts'

/** Milliseconds. */
const limit = 2_000
const rounds = 5
const tables = 200

/** Ten objects: a table with its primary key, four columns, a check, an index, a view with a column besides. */
const table = (
  n: number,
) => `create table t${n} (id int primary key, a text not null, b int default ${n}, c timestamptz check (c > '2020-01-01'));
create index t${n}_a on t${n} (a);
create view v${n} as select id from t${n};
`

await buildIfStale()
const work = await mkdtemp(join(tmpdir(), 'schemagate-bench-'))
const dataDir = join(work, 'data')
const given = process.env.BENCH_DATABASE_URL
const server = given ? undefined : await startPostgres({ dataDir, password: 'bench' })
const admin = new pg.Client(given ?? server?.url ?? '')
const name = `bench_verify_${process.pid}`
try {
  await admin.connect()
  await admin.query(`create database ${name}`)
  const url = new URL(given ?? server?.url ?? '')
  url.pathname = `/${name}`
  const dir = join(work, 'migrations')
  await mkdir(dir)
  await writeFile(join(dir, '0001_all.sql'), Array.from({ length: tables }, (_, n) => table(n)).join(''))
  const run = (verb: string) => {
    const env = { ...process.env, DATABASE_URL: url.href, SCHEMAGATE_DIR: dir, LOG_LEVEL: 'warn' }
    const begun = performance.now()
    const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, verb], { env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${verb} ended with ${status}\n${stdout}${stderr}`)
    return performance.now() - begun
  }
  run('up')
  const first = run('verify')
  const times = Array.from({ length: rounds }, () => run('verify')).sort((a, b) => a - b)
  const median = times[Math.floor(rounds / 2)] ?? 0
  console.log(
    `verify of ${tables * 10} objects: ${Math.round(median)} ms (limit ${limit}); the first, in a scratch database: ${Math.round(first)} ms`,
  )
  if (median > limit) process.exitCode = 1
} finally {
  await admin.query(`drop database if exists ${name} with (force)`).catch(() => {})
  await admin.end().catch(() => {})
  await server?.stop('immediate')
  await removeDataDir(dataDir).catch(() => {})
  await rm(work, { recursive: true, force: true })
}
