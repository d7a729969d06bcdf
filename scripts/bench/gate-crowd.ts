// What many gates on one database cost its server, and what a gate takes of memory. On Linux, with the server on the same
// machine.

import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { ledgerDdl } from '../../migrator/ledger/versions.ts'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds } from './frame/contenders.ts'
import { type Crowd, gather, type Question, type Task } from './frame/crowd.ts'
import type { Figure } from './frame/figures.ts'
import { fillLedger, manifestOf } from './frame/ledger.ts'
import { type Pooler, startPooler } from './frame/pooler.ts'
import { childrenOf, cpuOf, cpuOfFamily, runTimed } from './frame/processes.ts'
import { withServer } from './frame/server.ts'

/** A share of the thousand that the limit is of, so that they connect within a minute; BENCH_GATES=1000 makes them all. */
const GATES = Number(process.env.BENCH_GATES ?? 250)
const APPLIED = 100
const POOL_SIZE = 20
/** Connections without a gate: enough of them that none is still warm when it is asked again. */
const PLAIN = Math.min(GATES * 2, 400)
/** Milliseconds that a crowd is looked at. */
const WINDOW = 10_000
/** Milliseconds until what opening began has ended. */
const SETTLE = 3_000
/** In one process, for the memory of one. */
const FEW = 100

/**
 * The server may use 2 % of a core for a thousand gates, where `node -e 0` takes 24 ms: 20 ms of its processors in a second.
 * Held as a ratio to that start of Node, so that a slower machine is given as much more.
 */
const limit = (20 / 24) * (GATES / 1_000)
/** MB. */
const memoryLimit = 2

const group = 'gate-crowd'
const node = new Contender(() => runTimed(process.execPath, ['-e', '0']))
const many = GATES.toLocaleString('en')

interface Seen {
  /** Milliseconds of processor time in a second. */
  readonly server: number
  readonly pooler: number
  /** Of all together, in a second. */
  readonly questions: number
}

async function gateCrowd(): Promise<readonly Figure[]> {
  return withServer(
    async ({ database, role, description }) => {
      console.log(`gate-crowd: ${description}, Node ${process.version}`)
      const own = await database()
      const client = new pg.Client(own)
      await client.connect()
      try {
        const url = await quickLogin(client, own, role())
        await client.query(ledgerDdl('schemagate'))
        await fillLedger(client, manifestOf(APPLIED))
        return await measure(url, await postmasterOf(client))
      } finally {
        await client.end()
      }
    },
    { fsync: false, settings: { max_connections: GATES * 2 + 100 } },
  )
}

async function measure(url: string, postmaster: number): Promise<readonly Figure[]> {
  const gates = { what: 'gates', url, applied: APPLIED } as const
  const few = await gather({ ...gates, count: FEW, settle: SETTLE })
  await few.leave()

  const direct = await observe(`${many} gates`, { ...gates, count: GATES, settle: SETTLE }, postmaster)
  const connections = { ...gates, what: 'connections', count: PLAIN, settle: SETTLE } as const
  const [idle, asking] = await plain(connections, postmaster, direct.questions / GATES)
  const pooler = await startPooler(url, POOL_SIZE)
  const pooled = pooler && (await behind(pooler, gates, postmaster))
  if (pooler === undefined) console.log('PgBouncer is not installed: nothing was measured behind it.')

  const own = { group, unit: 'ms', than: 'node -e 0', theirs: node.middle('cpu'), limit } as const
  const known = { group, unit: 'ms' } as const
  const perQuestion = (seen: Seen) => ((seen.server - idle.server) * 1_000) / seen.questions
  return [
    { ...own, what: `${many} gates: the server's CPU in a second`, ours: direct.server },
    ...(pooled ? [{ ...own, what: `${many} gates, a pooler: the same`, ours: pooled.server }] : []),
    ...(pooled ? [{ ...known, what: `${many} gates, a pooler: the pooler's own`, ours: pooled.pooler }] : []),
    { ...known, what: 'as many times select 1: the same', ours: (perQuestion(asking) * direct.questions) / 1_000 },
    { ...known, what: `${PLAIN} idle connections: the same`, ours: idle.server },
    { group, unit: 'µs', what: "a gate's question: the server's CPU", ours: perQuestion(direct) },
    ...(pooled ? [{ group, unit: 'µs', what: 'the same behind a pooler', ours: perQuestion(pooled) } as const] : []),
    { group, unit: 'µs', what: "select 1: the server's CPU", ours: perQuestion(asking) },
    { group, unit: 'MB', what: 'a gate: memory of its process', ours: few.rss / FEW / 1e6, limit: memoryLimit },
    { group, unit: 'MB', what: "a gate: of it V8's heap and buffers", ours: few.heap / FEW / 1e6 },
    { group, unit: 'MB', what: "a gate: the server's memory, two connections", ours: direct.memory },
  ]
}

/** Lets a crowd gather, looks at it, and sends it away. `memory` is what the server has for one of it, in MB. */
async function observe(name: string, task: Task, postmaster: number): Promise<Seen & { readonly memory: number }> {
  const before = new Set(await childrenOf(postmaster))
  const crowd = await gathered(name, task)
  const seen = await watch(name, crowd, postmaster, task.what === 'gates' ? task.count : 0)
  const backends = (await childrenOf(postmaster)).filter(pid => !before.has(pid))
  const memory = backends.reduce((sum, pid) => sum + privateMemory(pid), 0) / task.count
  await crowd.leave()
  return { ...seen, memory }
}

async function behind(pooler: Pooler, gates: Omit<Task, 'count' | 'settle'>, postmaster: number): Promise<Seen> {
  try {
    const [name, task] = [`${many} gates, a pooler`, { ...gates, url: pooler.url, count: GATES, settle: SETTLE }]
    const crowd = await gathered(name, task)
    const seen = await watch(name, crowd, postmaster, GATES, pooler.pid)
    await crowd.leave()
    return seen
  } finally {
    await pooler.stop()
  }
}

/** Connections without a gate: idle, and asking `select 1` as often as a gate asks. */
async function plain(task: Task, postmaster: number, rate: number): Promise<readonly [idle: Seen, asking: Seen]> {
  const crowd = await gathered('idle connections', task)
  const idle = await watch('idle connections', crowd, postmaster, 0)
  const asking = await watch('select 1', crowd, postmaster, 0, undefined, { ask: rate })
  await crowd.leave()
  return [idle, asking]
}

async function gathered(name: string, task: Task): Promise<Crowd> {
  const started = performance.now()
  const crowd = await gather(task)
  console.log(`${name}: there after ${((performance.now() - started) / 1_000).toFixed(1)} s`)
  return crowd
}

async function watch(
  name: string,
  crowd: Crowd,
  postmaster: number,
  gates: number,
  pooler?: number,
  question?: Question,
): Promise<Seen> {
  // beside each crowd, since a machine is not equally quiet all the time
  await alternate(rounds(6), [node])
  await crowd.count(question)
  await pause(1_000)
  const look = async () => ({
    counted: await crowd.count(),
    at: performance.now(),
    server: await cpuOfFamily(postmaster),
    pooler: pooler === undefined ? 0 : await cpuOf(pooler),
  })
  const first = await look()
  await pause(WINDOW)
  const last = await look()
  if (last.counted.open < gates) throw new Error(`${gates - last.counted.open} of ${gates} gates are not open`)
  const seconds = (last.at - first.at) / 1_000
  const asked = Object.entries(last.counted.asked)
    .map(([text, count]) => [text, (count - (first.counted.asked[text] ?? 0)) / seconds] as const)
    .filter(([, perSecond]) => perSecond > 0)
  // Of processes that were there all the time: others come and go by the server's own will.
  let server = 0
  for (const [pid, taken] of last.server) server += Math.max(0, taken - (first.server.get(pid) ?? taken))
  const seen = {
    server: server / seconds,
    pooler: (last.pooler - first.pooler) / seconds,
    questions: asked.reduce((sum, [, perSecond]) => sum + perSecond, 0),
  }
  console.log(
    `${name}: ${seen.server.toFixed(1)} ms of the server's CPU in a second = ${(seen.server / 10).toFixed(2)} %`,
  )
  for (const [text, perSecond] of asked)
    console.log(`  ${perSecond.toFixed(1)} times a second: ${text.replaceAll(/\s+/g, ' ')}`)
  return seen
}

/**
 * A superuser whose password is derived in one step where the server can do that: two thousand logins take a while
 * otherwise.
 */
async function quickLogin(client: pg.Client, url: string, role: string): Promise<string> {
  await client.query("select set_config(name, '1', false) from pg_settings where name = 'scram_iterations'")
  await client.query(`create role ${role} superuser login password 'bench'`)
  return Object.assign(new URL(url), { username: role, password: 'bench' }).href
}

/** The process that all of the server's are children of. @throws Error if the server is on another machine. */
async function postmasterOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number; enough: boolean }>(
    `select pg_backend_pid() as pid, current_setting('max_connections')::int >= ${GATES * 2 + 50} as enough`,
  )
  const { pid, enough } = rows[0]!
  if (!enough) throw new Error(`${many} gates need max_connections = ${GATES * 2 + 100}`)
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  if (!status.startsWith('Name:\tpostgres')) throw new Error('the server has to be on this machine')
  return Number(/^PPid:\s+(\d+)/m.exec(status)![1])
}

/** What a process has for itself alone, in MB. */
function privateMemory(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const kilobytes = [...text.matchAll(/^Private_\w+:\s+(\d+)/gm)].reduce((sum, [, value]) => sum + Number(value), 0)
  return (kilobytes * 1_024) / 1e6
}

await runBench(import.meta, gateCrowd)
