// Runs a real Postgres server as a child process from plain binaries: for machines without Docker, and for tests.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../free-port.ts'
import { dieWithUs } from '../process/die-with-us.ts'
import { postgresBinaries, type ServerUser, serverUser } from './binaries.ts'
import { logTail, prepareDataDir, removeStalePid, saysReady } from './data.ts'

export interface PostgresOptions {
  /** Where the data lives. Made if it is missing, used as it is if a server has been here before. */
  readonly dataDir: string
  /** A folder with `initdb` and `postgres`; the npm package's by default. */
  readonly bin?: string | undefined
  /** A free one by default. */
  readonly port?: number | undefined
  readonly user?: string
  readonly password: string
  readonly database?: string
  /** Server settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** false: quick, and safe against everything but a crash of the machine itself. */
  readonly fsync?: boolean
}

export interface EmbeddedPostgres {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Where the data really lies: not what was asked for when the server's user could not reach that. */
  readonly dataDir: string
  /** Such as `18.4`. */
  readonly version: string
  /** The server's process id, undefined while it is stopped. */
  readonly pid: number | undefined
  /** Settles when the server that runs now has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** `fast` ends sessions and writes everything out; `immediate` drops all at once, and the next start recovers. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  /** Starts it again where it was, on the same port. */
  start(): Promise<void>
  restart(mode?: 'fast' | 'immediate'): Promise<void>
  /** What a crash of the server looks like: all sessions lost at once, recovery on the next `start()`. */
  crash(): Promise<void>
  /** The last lines of the server's log. */
  log(lines?: number): Promise<string>
}

const host = '127.0.0.1'
const execute = promisify(execFile)

/** Starts a server and waits until it answers a query from `user`; makes `database` if it does not exist. */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { user = 'postgres', password, database = 'postgres', fsync = true } = options
  const as = serverUser()
  const bin = await postgresBinaries(options.bin, as)
  const version = (await execute(join(bin, 'postgres'), ['--version'])).stdout.match(/\d+(\.\d+)?/)?.[0] ?? 'unknown'
  const dataDir = await prepareDataDir({ dataDir: options.dataDir, bin, version, user, password, fsync, as })
  const settings = { ...(fsync ? {} : { fsync: false, full_page_writes: false }), ...options.settings }
  let port = options.port ?? (await freePort())
  let server: ChildProcess | undefined

  const connection = (name: string) => ({ host, port, user, password, database: name })
  const start = async () => {
    if (server) return
    await removeStalePid(dataDir)
    const child = await launch({ bin, dataDir, port, settings, as })
    try {
      await untilItAnswers(child, dataDir, connection('postgres'))
    } catch (error) {
      await end(child, 'SIGQUIT')
      throw error
    }
    server = child
    child.once('exit', () => {
      server = undefined
    })
  }
  const stop = async (mode: 'fast' | 'immediate' = 'fast') => {
    if (server) await end(server, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  }

  for (let attempt = 1; ; attempt++) {
    try {
      await start()
      break
    } catch (error) {
      // Between asking for a free port and binding it, someone else was quicker.
      if (options.port !== undefined || attempt === 5 || !/could not bind|Address already in use/.test(`${error}`))
        throw error
      port = await freePort()
    }
  }
  try {
    await createDatabase(connection('postgres'), database)
  } catch (error) {
    await stop()
    throw error
  }

  return {
    url: `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${encodeURIComponent(database)}`,
    ...{ host, port, user, password, database, dataDir, version },
    get pid() {
      return server?.pid
    },
    get ended() {
      return server ? once(server, 'exit').then(() => {}) : Promise.resolve()
    },
    stop,
    start,
    async restart(mode) {
      await stop(mode)
      await start()
    },
    crash: () => stop('immediate'),
    log: lines => logTail(dataDir, lines),
  }
}

interface Launch {
  readonly bin: string
  readonly dataDir: string
  readonly port: number
  readonly settings: Readonly<Record<string, string | number | boolean>>
  readonly as: ServerUser | undefined
}

async function launch({ bin, dataDir, port, settings, as }: Launch): Promise<ChildProcess> {
  const all = { listen_addresses: host, port, unix_socket_directories: '', ...settings }
  const value = (v: string | number | boolean) => (typeof v === 'boolean' ? (v ? 'on' : 'off') : `${v}`)
  const args = Object.entries(all).flatMap(([name, v]) => ['-c', `${name}=${value(v)}`])
  const log = await open(join(dataDir, 'server.log'), 'a', 0o600)
  try {
    // Detached: Ctrl-C in a terminal must not stop the server before the one who started it decides to.
    const child = spawn(join(bin, 'postgres'), ['-D', dataDir, ...args], {
      cwd: dataDir,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { LC_ALL: 'C', PATH: process.env.PATH, TZ: 'UTC' },
      ...as,
    })
    await Promise.race([once(child, 'spawn'), once(child, 'error').then(([error]) => Promise.reject(error))])
    dieWithUs(child, 'INT')
    child.unref()
    return child
  } finally {
    await log.close()
  }
}

/** Sends `signal` and waits for the end; a server that ignores a fast stop for 20 s is stopped at once. */
async function end(child: ChildProcess, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const exited = once(child, 'exit')
  child.kill(signal)
  const insist = setTimeout(() => child.kill('SIGQUIT'), 20_000)
  await exited
  clearTimeout(insist)
}

/** Waits for the answer to a query; an open port or "starting up" is not enough. */
async function untilItAnswers(child: ChildProcess, dataDir: string, config: pg.ClientConfig): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`Postgres did not start (exit ${child.exitCode ?? child.signalCode}):\n${await logTail(dataDir)}`)
    }
    const client = new pg.Client({ ...config, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    try {
      // Where the port is another server's, that one would answer: ours says so itself first.
      if (!(await saysReady(dataDir, child.pid))) throw new Error('Postgres is starting.')
      await client.connect()
      await client.query('select 1')
      return
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === '28P01') {
        throw new Error(`The data in ${dataDir} was made with another password; remove that folder to start afresh.`)
      }
      if (Date.now() > deadline) {
        throw new Error(`Postgres did not answer within a minute:\n${await logTail(dataDir)}`, { cause: error })
      }
      await new Promise(resolve => setTimeout(resolve, 20))
    } finally {
      await client.end().catch(() => {})
    }
  }
}

async function createDatabase(config: pg.ClientConfig, database: string): Promise<void> {
  const client = new pg.Client(config)
  await client.connect()
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database])
    if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(database)}`)
  } finally {
    await client.end()
  }
}
