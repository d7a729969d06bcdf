// What the gate as a service costs: processor time for one answer of /ready, beside a bare server's, and how long answers take
// at 5,000 a second, also while the ledger comes and goes. Exits 1 if one of them is over its limit.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { ledgerDdl } from '../../migrator/ledger/versions.ts'
import { startPostgres } from '../lib/postgres/server.ts'
import { root } from '../lib/root.ts'

const CONNECTIONS = 32
const ROUNDS = 20
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

const folder = await mkdtemp(join(tmpdir(), 'schemagate-bench-'))
const postgres = await startPostgres({ dataDir: join(folder, 'data'), password: 'bench', fsync: false })
const client = new pg.Client(postgres.url)
await client.connect()
const processes: ChildProcess[] = []
try {
  const checksum = '0'.repeat(64)
  const manifest = { version: 1, head: '0001', migrations: [{ name: '0001', checksum, kind: 'sql', breaking: false }] }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  const make = () =>
    client.query(`${ledgerDdl('schemagate')}; insert into schemagate.ledger (name, checksum, position, kind, run_id, tool_version)
      values ('0001', '${checksum}', 1, 'sql', gen_random_uuid(), 'bench')`)
  await make()
  const command = [
    'gate',
    '--listen',
    '127.0.0.1:0',
    '--manifest',
    join(folder, 'manifest.json'),
    '--log-format',
    'json',
  ]
  const gate = await start([join(root, 'migrator/dist/schemagate.cjs'), ...command], { DATABASE_URL: postgres.url })
  const other = await start(['-e', bare], {})
  while ((await fetch(`${gate.url}/ready`)).status !== 200);

  await compare(gate, other)
  // by turns, since where a bare server is late, too, it is the machine
  const [bareAnswers, openAnswers]: [Answer[], Answer[]] = [[], []]
  for (let i = 0; i < SLICES; i++) {
    bareAnswers.push(...(await atRate(other.url)))
    openAnswers.push(...(await atRate(gate.url)))
  }
  const limit = Math.max(MOST_P99_MS, 1.5 * describe('a bare server', bareAnswers, Number.POSITIVE_INFINITY))
  describe('the gate, open', openAnswers, limit)
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
  describe('the gate, while the ledger comes and goes', changing, limit)
  running = false
  console.log(`the ledger was dropped and made ${await changes} times`)
} finally {
  for (const child of processes) child.kill('SIGKILL')
  await client.end()
  await postgres.stop('immediate')
  await rm(folder, { recursive: true, force: true })
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

/** By turns, many times: what the machine does besides falls on both alike. */
async function compare(gate: Started, other: Started): Promise<void> {
  const times = { gate: [] as number[], other: [] as number[] }
  for (let i = 0; i <= ROUNDS; i++) {
    const cost = { gate: await round(gate), other: await round(other) }
    // the first is for the compiler
    if (i > 0) times.gate.push(cost.gate)
    if (i > 0) times.other.push(cost.other)
  }
  const [ours, theirs] = [median(times.gate), median(times.other)]
  report(
    `/ready: ${ours.toFixed(0)} µs of processor time an answer (${Math.round(1e6 / ours)} a second on one core), a bare server ${theirs.toFixed(0)} µs, ratio ${(ours / theirs).toFixed(2)}, limit ${MOST_TIMES_BARE}`,
    ours / theirs > MOST_TIMES_BARE,
  )
}

/** Microseconds of the server's processor time for one request, over connections that are never idle. */
async function round({ url, pid }: Started): Promise<number> {
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
  return ((after - before) * 1_000) / REQUESTS
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

/** Returns the 99th percentile in milliseconds. */
function describe(what: string, answers: readonly Answer[], limit: number): number {
  const times = answers.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)]!
  const open = answers.filter(({ status }) => status === 200).length
  const rate = Math.round(answers.length / (SECONDS * SLICES))
  report(
    `${what}: ${rate} answers a second of ${RATE} that were due (${open} of 200, ${answers.length - open} of 503), p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms`,
    at(0.99) > limit,
  )
  return at(0.99)
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

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function report(text: string, isOver: boolean): void {
  if (isOver) process.exitCode = 1
  console.log(`${text}: ${isOver ? 'OVER' : 'ok'}`)
}
