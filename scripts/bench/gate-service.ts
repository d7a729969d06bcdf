// What the gate as a service costs: processor time for one answer of /ready, beside a bare server's, and how long answers take
// at 5,000 a second, also while the ledger comes and goes.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { ledgerDdl } from '../../migrator/ledger/versions.ts'
import { buildIfStale, bundle } from '../build/if-stale.ts'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds } from './frame/contenders.ts'
import type { Figure } from './frame/figures.ts'
import { withServer } from './frame/server.ts'

const CONNECTIONS = 32
const REQUESTS = 5_000
const RATE = 5_000
const SECONDS = 1
const SLICES = 10
const MOST_TIMES_BARE = 2
const MOST_P99_MS = 10

const bare = `const { createServer } = require('node:http')
const server = createServer((request, response) => {
  const body = '{"state":"open","head":"0001"}'
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}).listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: 'http://127.0.0.1:' + server.address().port })))`

const group = 'gate-service'
const processes: ChildProcess[] = []

async function gateService(): Promise<readonly Figure[]> {
  await buildIfStale()
  return withServer(
    async ({ database, work }) => {
      const url = await database()
      const client = new pg.Client(url)
      await client.connect()
      try {
        return await measure(client, url, work)
      } finally {
        for (const child of processes) child.kill('SIGKILL')
        await client.end()
      }
    },
    { fsync: false },
  )
}

async function measure(client: pg.Client, database: string, folder: string): Promise<readonly Figure[]> {
  const checksum = '0'.repeat(64)
  const manifest = { version: 1, head: '0001', migrations: [{ name: '0001', checksum, kind: 'sql', breaking: false }] }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  const make = () =>
    client.query(`${ledgerDdl('schemagate')}; insert into schemagate.ledger (name, checksum, position, kind, run_id, tool_version)
      values ('0001', '${checksum}', 1, 'sql', gen_random_uuid(), 'bench')`)
  await make()
  const options = ['--listen', '127.0.0.1:0', '--manifest', join(folder, 'manifest.json'), '--log-format', 'json']
  const gate = await start([bundle, 'gate', ...options], { DATABASE_URL: database })
  const other = await start(['-e', bare], {})
  while ((await fetch(`${gate.url}/ready`)).status !== 200);

  const answer = await compare(gate, other)
  // by turns, since where a bare server is late, too, it is the machine
  const [bareAnswers, openAnswers]: [Answer[], Answer[]] = [[], []]
  for (let i = 0; i < SLICES; i++) {
    bareAnswers.push(...(await atRate(other.url)))
    openAnswers.push(...(await atRate(gate.url)))
  }
  const limit = Math.max(MOST_P99_MS, 1.5 * p99('a bare server', bareAnswers))
  let running = true
  const changes = (async () => {
    for (let count = 0; ; count++) {
      if (!running) return count
      await client.query('drop schema schemagate cascade')
      await new Promise(resolve => setTimeout(resolve, 250))
      await make()
      await new Promise(resolve => setTimeout(resolve, 250))
    }
  })()
  const changing: Answer[] = []
  for (let i = 0; i < SLICES; i++) changing.push(...(await atRate(gate.url)))
  running = false
  console.log(`the ledger was dropped and made ${await changes} times`)
  const late = { group, unit: 'ms', limit } as const
  return [
    answer,
    { ...late, what: 'p99 at 5,000 a second, open', ours: p99('the gate, open', openAnswers) },
    { ...late, what: 'p99 while the ledger comes and goes', ours: p99('the gate, while it changes', changing) },
  ]
}

interface Started {
  readonly url: string
  readonly pid: number
}

/** A Node process that prints its URL as JSON. */
async function start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Started> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  processes.push(child)
  for await (const line of createInterface({ input: child.stdout! })) {
    const { url } = JSON.parse(line)
    if (url === undefined) continue
    child.stdout!.resume()
    return { url, pid: child.pid! }
  }
  throw new Error('the server did not start')
}

async function compare(gate: Started, other: Started): Promise<Figure> {
  const [ours, theirs] = [gate, other].map(server => new Contender<'cpu'>(() => round(server))) as [
    Contender<'cpu'>,
    Contender<'cpu'>,
  ]
  await alternate(rounds(20), [ours, theirs])
  return {
    ...{
      group,
      what: 'one answer of /ready: CPU',
      unit: 'µs',
      than: 'a bare node:http server',
      limit: MOST_TIMES_BARE,
    },
    ...{ ours: ours.middle('cpu'), theirs: theirs.middle('cpu') },
  }
}

/** Microseconds of the server's processor time for one request, over connections that are never idle. */
async function round({ url, pid }: Started): Promise<{ cpu: number }> {
  const clients = await connections(url)
  const before = cpuMs(pid)
  let left = REQUESTS
  await Promise.all(
    clients.map(async client => {
      while (left-- > 0) await client.ask()
    }),
  )
  const after = cpuMs(pid)
  for (const client of clients) client.end()
  return { cpu: ((after - before) * 1_000) / REQUESTS }
}

interface Answer {
  readonly ms: number
  readonly status: number
}

/** Asks at a steady rate for a while: a late answer does not delay the next question. */
async function atRate(url: string): Promise<readonly Answer[]> {
  const clients = await connections(url)
  const idle = [...clients]
  const answers: Answer[] = []
  const pending = new Set<Promise<void>>()
  const started = performance.now()
  for (let sent = 0; sent < RATE * SECONDS; ) {
    const due = Math.min(RATE * SECONDS, Math.floor(((performance.now() - started) / 1_000) * RATE))
    for (; sent < due; sent++) {
      const client = idle.pop()
      // every connection has a question under way: this one is not asked
      if (!client) continue
      const asked = performance.now()
      const answer = client.ask().then(status => {
        answers.push({ ms: performance.now() - asked, status })
        idle.push(client)
        pending.delete(answer)
      })
      pending.add(answer)
    }
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  await Promise.all(pending)
  for (const client of clients) client.end()
  return answers
}

/** The 99th percentile in milliseconds. */
function p99(what: string, answers: readonly Answer[]): number {
  const times = answers.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const open = answers.filter(({ status }) => status === 200).length
  const rate = Math.round(answers.length / (SECONDS * SLICES))
  console.log(
    `${what}: ${rate} answers a second of ${RATE} that were due (${open} of 200, ${answers.length - open} of 503)`,
  )
  return times[Math.floor(times.length * 0.99)]!
}

interface Asking {
  /** The status of one answer. */
  ask(): Promise<number>
  end(): void
}

/** By hand: Node's own client costs more than the server that is measured. */
async function connections(url: string): Promise<readonly Asking[]> {
  const { hostname, port, host } = new URL(url)
  return Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket: Socket = connect(Number(port), hostname).setNoDelay().setEncoding('latin1')
      await once(socket, 'connect')
      let answered = (_: number) => {}
      let text = ''
      socket.on('data', data => {
        text += data
        const end = text.indexOf('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
        if (end < 0 || text.length < end + 4 + length) return
        const status = Number(text.slice(9, 12))
        text = ''
        answered(status)
      })
      const question = `GET /ready HTTP/1.1\r\nHost: ${host}\r\n\r\n`
      return {
        ask: () =>
          new Promise<number>(resolve => {
            answered = resolve
            socket.write(question)
          }),
        end: () => void socket.destroy(),
      }
    }),
  )
}

/** The kernel counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

await runBench(import.meta, gateService)
