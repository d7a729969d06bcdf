// An app in Python with no gate of its own, behind the proxies of docker/proxies that ask the gate's service: through every
// way past the migrator, users get the app's right answer or a refusal.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { root } from '../../../scripts/lib/root.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { cleanEnvironment, type Running, startProcess } from '../../helpers/process.ts'
import { manifestFile } from './fixtures.ts'

// Debian's, whose packages have psycopg2.
const python = '/usr/bin/python3'
const proxies = ['caddy', 'nginx', 'haproxy'] as const
type Proxy = (typeof proxies)[number]
const tools = [
  ['caddy', 'version'],
  ['nginx', '-v'],
  ['haproxy', '-v'],
  [python, '-c', 'import psycopg2'],
] as const
const missing: readonly string[] = tools
  .filter(([tool, ...args]) => spawnSync(tool, args).status !== 0)
  .map(([tool]) => tool)
if (missing.length > 0 && process.env.TEST_PROXIES === 'required')
  throw new Error(
    `The tests of the proxies are required, but these are missing or lack psycopg2: ${missing.join(', ')}`,
  )

const files = {
  '0001_tickets.sql': 'create table tickets (title text);\n',
  '0002_state.sql': "alter table tickets add state text;\ninsert into tickets values ('one', 'open');\n",
}
const right = 'one is open'

/** Milliseconds that a request may take which the gate has let through (`--drain`): what takes longer may meet another schema. */
const drain = 1_000

/** The first part of the file's work is for containers, whose names are not known here. */
async function configure(proxy: Proxy, ports: Ports): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'schemagate-proxy-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const read = (name: string) => readFile(join(root, 'docker/proxies', name), 'utf8')
  const name = { caddy: 'Caddyfile', nginx: 'nginx.conf', haproxy: 'haproxy.cfg' }[proxy]
  const text = (await read(name))
    .replaceAll('gate:8080', `127.0.0.1:${ports.gate}`)
    .replaceAll('app:8000', `127.0.0.1:${ports.app}`)
    .replace(/(^:|listen |bind :)8000/m, `$1${ports.proxy}`)
  const file = join(directory, name)
  if (proxy === 'caddy') {
    await writeFile(file, text.replace(' 60s', ' 3s'))
    return ['caddy', 'run', '--config', file, '--adapter', 'caddyfile']
  }
  if (proxy === 'haproxy') {
    const lua = join(directory, 'gate.lua')
    await writeFile(lua, (await read('gate.lua')).replace('60000', '3000'))
    await writeFile(file, text.replace('/usr/local/etc/haproxy/gate.lua', lua))
    return ['haproxy', '-f', file]
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${directory};`)
  await writeFile(
    file,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr;
events {} http { access_log off; ${temporary.join(' ')} ${text.replace(' 60s', ' 3s')} }`,
  )
  return ['nginx', '-p', directory, '-c', file]
}

interface Ports {
  readonly gate: number
  readonly app: number
  readonly proxy: number
}

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const running = startProcess(command, { env: cleanEnvironment(env), timeout: 600_000 })
  onTestFinished(async () => {
    running.kill('SIGKILL')
    await running.ended.catch(() => {})
  })
  return running
}

/** The stack, and what its users see. */
async function stack(proxy: Proxy, database: ScratchDatabase) {
  const ports = { gate: await freePort(), app: await freePort(), proxy: await freePort() }
  const dir = await folder(files)
  const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' }
  const { stdout } = await schemagate(['manifest'], { env })
  const gateArgs = [
    '--manifest',
    await manifestFile(stdout),
    '--listen',
    `127.0.0.1:${ports.gate}`,
    '--drain',
    `${drain}ms`,
  ]
  const startGate = () => run([process.execPath, join(root, 'migrator/dist/schemagate.cjs'), 'gate', ...gateArgs], env)
  const startApp = () =>
    run([python, join(import.meta.dirname, 'app.py'), String(ports.app)], { DATABASE_URL: database.url })
  const started = { gate: startGate(), app: startApp(), proxy: run(await configure(proxy, ports)) }
  const url = `http://127.0.0.1:${ports.proxy}`
  await eventually(async () => expect((await fetch(url)).status, started.proxy.output).toBe(503), { timeout: 30_000 })
  return {
    url,
    started,
    up: () => schemagate(['up'], { env }),
    add: (more: Readonly<Record<string, string>>) => write(dir, more),
    restart: async (what: 'gate' | 'app') => {
      started[what].kill('SIGKILL')
      await started[what].ended
      started[what] = what === 'gate' ? startGate() : startApp()
    },
  }
}

/**
 * Users who ask without a pause. Whatever is neither the right answer nor a refusal is wrong, but for what took longer than
 * the gate was told.
 */
function users(url: string) {
  const seen = { right: 0, refused: 0, wrong: [] as string[] }
  let stopping = false
  const user = async () => {
    while (!stopping) {
      const sent = performance.now()
      // a connection that broke off, with an app that was killed, is no answer
      const { status, text } = await fetch(url)
        .then(async response => ({ status: response.status, text: await response.text() }))
        .catch(() => ({ status: 502, text: '' }))
      if (status === 200 && text === right) seen.right++
      else if (status === 503 || status === 502) seen.refused++
      else if (performance.now() - sent < drain) seen.wrong.push(`${status} ${text}`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  const all = [user(), user(), user(), user()]
  return {
    seen,
    stop: async () => {
      stopping = true
      await Promise.all(all)
      return seen
    },
  }
}

/** Of a path that is sent as it is, where fetch would encode it. */
async function statusOf(url: string, path: string): Promise<number | undefined> {
  const request = get(url, { path })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

/** Milliseconds until the answer has the status, asked without a pause. */
async function timeUntil(url: string, status: number): Promise<number> {
  const started = performance.now()
  await eventually(async () => expect((await fetch(url)).status).toBe(status), { timeout: 30_000, interval: 2 })
  return Math.round(performance.now() - started)
}

/** Users are served: what comes next finds them on their way. */
async function busy(seen: { readonly right: number }): Promise<void> {
  const before = seen.right
  await eventually(() => expect(seen.right).toBeGreaterThan(before + 20), { timeout: 30_000 })
}

describe.for(proxies)('behind %s', proxy => {
  const lacking = [proxy, python].some(tool => missing.includes(tool))
  test.skipIf(lacking)(
    'no answer is wrong, whatever happens to the database and to whatever else',
    {
      timeout: 180_000,
    },
    async ({ database }) => {
      const { url, started, up, add, restart } = await stack(proxy, database)
      const times: Record<string, number> = {}
      await eventually(async () => {
        const refusal = await fetch(url)
        expect(refusal.status).toBe(503)
        expect(refusal.headers.get('retry-after')).toBe('1')
        expect(refusal.headers.get('content-type')).toContain('application/problem+json')
        expect(await refusal.json()).toMatchObject({ status: 503, state: 'unmigrated' })
      })

      const { seen, stop } = users(url)
      expect((await up()).code).toBe(0)
      times['open after the first run'] = await timeUntil(url, 200)
      const ownError = await fetch(`${url}/fails`)
      expect([ownError.status, await ownError.text()]).toEqual([500, "the app: the app's own error"])
      // as long as nginx takes one; and as a program sends it that encodes nothing, which HAProxy itself refuses
      for (const query of ['q'.repeat(7_000), Buffer.from('q=é').toString('latin1')])
        expect(await statusOf(url, `/?${query}`), query).toBe(proxy === 'haproxy' && query.startsWith('q=') ? 400 : 200)

      await busy(seen)
      await database.query('begin; drop schema schemagate cascade; drop table tickets; commit')
      times['close after the ledger and the tables were dropped'] = await timeUntil(url, 503)
      expect((await up()).code).toBe(0)
      times['open after they were made again'] = await timeUntil(url, 200)

      await busy(seen)
      await database.query(`begin; lock table schemagate.ledger; delete from schemagate.ledger where name = '0002_state';
      alter table tickets drop state; commit`)
      times['close after an older dump'] = await timeUntil(url, 503)
      await database.query('delete from tickets')
      expect((await up()).code).toBe(0)
      times['open after it was migrated'] = await timeUntil(url, 200)

      await busy(seen)
      started.gate.kill('SIGSTOP')
      const hung = await fetch(url, { signal: AbortSignal.timeout(20_000) }).then(
        ({ status }) => status,
        ({ name }) => name,
      )
      started.gate.kill('SIGCONT')
      expect(hung).toBe({ caddy: 504, nginx: 503, haproxy: 503 }[proxy])
      await timeUntil(url, 200)

      for (const what of ['app', 'gate'] as const) {
        await busy(seen)
        await restart(what)
        times[`open after the ${what} was killed and started`] = await timeUntil(url, 200)
      }

      await busy(seen)
      await add({ '0003_rename.sql': '-- schemagate:breaking\nalter table tickets rename title to subject;\n' })
      const breaking = up()
      times['close for a breaking migration'] = await timeUntil(url, 503)
      expect((await breaking).code).toBe(0)
      await restart('app')
      await restart('gate')
      await eventually(async () => expect(started.gate.output).toContain('too-old'))
      const { right: served, refused, wrong } = await stop()
      console.log(`${proxy}: ${served} right, ${refused} refused, ${wrong.length} wrong; milliseconds to`, times)
      expect(wrong).toEqual([])
    },
  )
})
