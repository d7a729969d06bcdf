// A real PgBouncer in front of the test server, in transaction mode: what hides session locks from a migrator.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { freePort } from '../../scripts/lib/free-port.ts'
import { serverUser } from '../../scripts/lib/postgres/binaries.ts'
import { eventually } from './eventually.ts'

const places = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer']

/** Where PgBouncer is installed; without it, a test skips with `noPgbouncer` as its reason. */
export const pgbouncerPath = places.find(path => existsSync(path))
export const noPgbouncer = `PgBouncer is not installed (apt-get install pgbouncer)`

export interface PgbouncerOptions {
  readonly mode?: 'transaction' | 'session' | 'statement'
  /** Connections to the server for each pair of user and database: fewer than the clients, or nothing is pooled. */
  readonly poolSize?: number
  /** Roles besides the one of the connection string, with their passwords. */
  readonly users?: Readonly<Record<string, string>>
  /** More lines of pgbouncer.ini's main section. */
  readonly settings?: Readonly<Record<string, string | number>>
}

export interface Pgbouncer {
  readonly port: number
  /** The same connection string, through PgBouncer. */
  url(direct: string): string
  /** Lets one more role log in, such as one that was made after the start. */
  addUser(name: string, password: string): Promise<void>
  /** Leads to another server from now on, as after a failover: clients stay connected. */
  leadTo(target: string): Promise<void>
  stop(): Promise<void>
}

/** Starts PgBouncer in front of the server of `target`, a connection string; stopped after the test. */
export async function pgbouncer(target: string, options: PgbouncerOptions = {}): Promise<Pgbouncer> {
  if (pgbouncerPath === undefined) throw new Error(noPgbouncer)
  const { username, password } = new URL(target)
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-pgbouncer-'))
  const users = new Map(Object.entries(options.users ?? {}))
  users.set(decodeURIComponent(username), decodeURIComponent(password))
  // It refuses to run as root, as Postgres does.
  const as = serverUser()
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 })
    if (as) await chown(join(folder, name), as.uid, as.gid)
  }
  const writeUsers = () => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
    return file('userlist.txt', [...users].map(pair => pair.map(quoted).join(' ')).join('\n'))
  }
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    // Plain passwords in the list serve both ends: checked against clients, and used to log in to the server.
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'userlist.txt'),
    pool_mode: options.mode ?? 'transaction',
    default_pool_size: options.poolSize ?? 5,
    max_client_conn: 500,
    server_login_retry: 1,
    ...options.settings,
  }
  if (as) await chown(folder, as.uid, as.gid)
  await writeUsers()
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  const writeSettings = (server: string) => {
    const { hostname, port: serverPort } = new URL(server)
    return file(
      'pgbouncer.ini',
      `[databases]\n* = host=${hostname} port=${serverPort || 5432}\n[pgbouncer]\n${lines.join('\n')}\n`,
    )
  }
  await writeSettings(target)
  const child = spawn(pgbouncerPath, [join(folder, 'pgbouncer.ini')], { stdio: ['ignore', 'ignore', 'pipe'], ...as })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-10_000)
  })
  const exited = once(child, 'exit')
  exited.catch(() => {})
  const url = (direct: string) => {
    const through = new URL(direct)
    through.host = `127.0.0.1:${port}`
    return through.href
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await exited
    }
    await rm(folder, { recursive: true, force: true })
  }
  onTestFinished(stop)
  await eventually(async () => {
    const client = new pg.Client(url(target))
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select 1')
    } catch (cause) {
      throw new Error(`PgBouncer does not answer:\n${log}`, { cause })
    } finally {
      await client.end().catch(() => {})
    }
  })
  return {
    port,
    url,
    addUser: async (name, secret) => {
      users.set(name, secret)
      await writeUsers()
      child.kill('SIGHUP')
      await eventually(async () => {
        const client = new pg.Client({ connectionString: url(target), user: name, password: secret })
        client.on('error', () => {})
        try {
          await client.connect()
          await client.query('select 1')
        } finally {
          await client.end().catch(() => {})
        }
      })
    },
    leadTo: async server => {
      await writeSettings(server)
      child.kill('SIGHUP')
    },
    stop,
  }
}
