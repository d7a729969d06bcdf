// PgBouncer in transaction mode before a bench's server, where it is installed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from '../../lib/free-port.ts'
import { serverUser } from '../../lib/postgres/binaries.ts'

const places = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer']

export interface Pooler {
  /** The same database, through the pooler. */
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** Starts it before the database of `url`; undefined where it is not installed. */
export async function startPooler(url: string, poolSize: number): Promise<Pooler | undefined> {
  const program = places.find(path => existsSync(path))
  if (program === undefined) return undefined
  const { hostname, port, username, password } = new URL(url)
  const [own, as] = [await freePort(), serverUser()]
  // Not in the bench's own folder, which the user that it runs as may not reach.
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-pooler-'))
  const users = join(folder, 'users.txt')
  const quoted = (text: string) => `"${decodeURIComponent(text).replaceAll('"', '""')}"`
  const files = {
    [users]: `${quoted(username)} ${quoted(password)}\n`,
    [join(folder, 'pgbouncer.ini')]: `[databases]
* = host=${hostname} port=${port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 12000
`,
  }
  for (const [file, text] of Object.entries(files)) await writeFile(file, text)
  // It refuses to run as root, as Postgres does.
  if (as) for (const path of [folder, ...Object.keys(files)]) await chown(path, as.uid, as.gid)
  const child = spawn(program, ['-q', join(folder, 'pgbouncer.ini')], { stdio: 'ignore', ...as })
  const exited = once(child, 'exit')
  const through = Object.assign(new URL(url), { host: `127.0.0.1:${own}` }).href
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilItAnswers(through)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: through, pid: child.pid!, stop }
}

async function untilItAnswers(url: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const client = new pg.Client(url)
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select 1')
      return
    } catch (cause) {
      if (Date.now() > deadline) throw new Error('PgBouncer does not answer', { cause })
      await new Promise(resolve => setTimeout(resolve, 50))
    } finally {
      await client.end().catch(() => {})
    }
  }
}
