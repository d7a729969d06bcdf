// The Postgres that benches measure on, and databases in it.
//
// BENCH_DATABASE_URL names a superuser's connection to one; by default one is started from the npm binaries.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { removeDataDir } from '../../lib/postgres/data.ts'
import { startPostgres } from '../../lib/postgres/server.ts'

export interface BenchServer {
  /** Of a superuser. */
  readonly url: string
  /** Such as `Postgres 18.4, fsync on`. */
  readonly description: string
  /** A folder for what the bench writes. */
  readonly work: string
  /** Makes an empty database and gives its URL. */
  database(): Promise<string>
  /** The name of a role that does not exist yet; it is dropped at the end. */
  role(): string
}

export interface BenchServerOptions {
  readonly fsync?: boolean
  /** As in postgresql.conf; a server that was given keeps its own. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
}

/** Runs `body` with a server, and takes away what was made on it. */
export async function withServer<Result>(
  body: (server: BenchServer) => Promise<Result>,
  { fsync = true, settings = {} }: BenchServerOptions = {},
): Promise<Result> {
  const work = await mkdtemp(join(tmpdir(), 'schemagate-bench-'))
  const dataDir = join(work, 'data')
  const given = process.env.BENCH_DATABASE_URL
  const server = given ? undefined : await startPostgres({ dataDir, password: 'bench', fsync, settings })
  const url = given ?? server!.url
  const admin = new pg.Client(url)
  const [databases, roles]: [string[], string[]] = [[], []]
  try {
    await admin.connect()
    const { rows } = await admin.query(
      "select current_setting('server_version') as version, current_setting('fsync') as fsync",
    )
    const database = async () => {
      const name = `schemagate_bench_${process.pid}_${databases.length + 1}`
      await admin.query(`create database ${name} template template0`)
      databases.push(name)
      // what one side leaves to be written must not be the other's work
      await admin.query('checkpoint')
      return Object.assign(new URL(url), { pathname: `/${name}` }).href
    }
    const role = () => {
      const name = `schemagate_bench_${process.pid}_app_${roles.length + 1}`
      roles.push(name)
      return name
    }
    const description = `Postgres ${rows[0].version}, fsync ${rows[0].fsync}`
    return await body({ url, description, work, database, role })
  } finally {
    for (const name of databases) await admin.query(`drop database if exists ${name} with (force)`).catch(() => {})
    for (const name of roles) await admin.query(`drop role if exists ${name}`).catch(() => {})
    await admin.end().catch(() => {})
    await server?.stop('immediate')
    await removeDataDir(dataDir).catch(() => {})
    await rm(work, { recursive: true, force: true })
  }
}
