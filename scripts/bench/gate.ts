// What the gate costs: for each request while it is open, and for the database at each look.

import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import pg from 'pg'
import { gatePlugin } from '../../gate/adapters/fastify.ts'
import { createGate, type Gate } from '../../gate/gate.ts'
import type { Manifest } from '../../gate/protocol/manifest.ts'
import { lookSql } from '../../gate/reading/ledger-query.ts'
import { requestsInside } from '../../gate/requests/requests-inside.ts'
import { ledgerDdl } from '../../migrator/ledger/versions.ts'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, middle, rounds } from './frame/contenders.ts'
import type { Comparison, Figure } from './frame/figures.ts'
import { fillLedger, manifestOf } from './frame/ledger.ts'
import { runTimed } from './frame/processes.ts'
import { withServer } from './frame/server.ts'

const REQUESTS = 200
const LOOKS = 300
const CALLS = 20_000_000
const STAYS = 1_000

/** How many times of what it costs without the gate a request may cost: below, other noise is louder. */
const emptyLimit = 1.25
const queryLimit = 1.1
/** The least that such a count can be: a look at a clock, and a counter. */
const enterLimit = 1.5
/** In and out in 100 ns where `node -e 0` takes 24 ms: a million requests beside that start of Node. */
const stayLimit = 100 / 24

async function gate(): Promise<readonly Figure[]> {
  return withServer(
    async ({ database, description }) => {
      console.log(`gate: ${description}, Node ${process.version}`)
      const url = await database()
      const client = new pg.Client(url)
      await client.connect()
      try {
        await client.query(ledgerDdl('schemagate'))
        const figures = await requests(await openGate(client, url, manifestOf(100)), url)
        for (const count of [100, 1_000]) figures.push(await looks(client, count))
        return figures
      } finally {
        await client.end()
      }
    },
    { fsync: false },
  )
}

async function requests(gate: Gate, url: string): Promise<Figure[]> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  const figures = [
    await entering(gate),
    await staying(gate),
    await compare('a request that does nothing: CPU', emptyLimit, gate, async () => ({ hello: 'world' })),
    await compare(
      'a request with one query: CPU',
      queryLimit,
      gate,
      async () => (await pool.query('select 1 as one')).rows,
    ),
  ]
  await Promise.all([pool.end(), gate.close()])
  return figures
}

async function entering(gate: Gate): Promise<Figure> {
  const until = performance.now() + 3_600_000
  const count = { inside: 0 }
  const ours = new Contender<'cpu'>(async () => {
    await turn()
    return nanoseconds(() => {
      for (let i = 0; i < CALLS / 20; i++) {
        if (!gate.enter()) throw new Error('The gate lets nothing in')
        gate.leave()
      }
    }, CALLS / 20)
  })
  const theirs = new Contender<'cpu'>(async () =>
    nanoseconds(() => {
      for (let i = 0; i < CALLS / 20; i++) {
        if (performance.now() >= until) continue
        count.inside++
        count.inside--
      }
    }, CALLS / 20),
  )
  await alternate(rounds(20), [ours, theirs])
  return {
    ...{ group: 'gate', what: 'enter and leave: CPU', unit: 'ns', ours: ours.middle('cpu') },
    ...{ than: 'a clock and a counter', theirs: theirs.middle('cpu'), limit: enterLimit },
  }
}

/** What is done for a request in Node's own terms: it enters, and leaves when its response is closed. More than without. */
async function staying(gate: Gate): Promise<Figure> {
  const inside = requestsInside(gate)
  // Each has a loop of its own: one that is given what to do would call it, where the adapters' code is compiled in place.
  const counted = closing(responses => {
    for (const response of responses) {
      if (!gate.enter()) throw new Error('The gate lets nothing in')
      inside.add(response, { sent: true })
      response.emit('close')
    }
  })
  const bare = closing(responses => {
    for (const response of responses) response.emit('close')
  })
  const node = new Contender(() => runTimed(process.execPath, ['-e', '0']))
  await alternate(rounds(20), [node])
  await alternate(rounds(1_000), [counted, bare], { warmUps: 200 })
  return {
    ...{ group: 'gate', what: 'a million requests in and out: CPU', unit: 'ms' },
    ...{ ours: counted.middle('cpu') - bare.middle('cpu') },
    ...{ than: 'node -e 0', theirs: node.middle('cpu'), limit: stayLimit },
  }
}

/** What a response costs whose listeners hear that it is closed. */
function closing(close: (responses: readonly ServerResponse[]) => void): Contender<'cpu'> {
  const request = new IncomingMessage(new Socket())
  return new Contender<'cpu'>(async () => {
    await turn()
    const responses = Array.from({ length: STAYS }, () => new ServerResponse(request))
    return nanoseconds(() => close(responses), STAYS)
  })
}

/** Of the event loop: to a gate, a process in which it does not turn for a second stands still. */
async function turn(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

/** Of processor time for one of so many calls. */
function nanoseconds(calls: () => void, count: number): { cpu: number } {
  const before = process.cpuUsage()
  calls()
  const { user, system } = process.cpuUsage(before)
  return { cpu: ((user + system) * 1_000) / count }
}

async function compare(what: string, limit: number, gate: Gate, handler: () => Promise<unknown>): Promise<Comparison> {
  const [bare, gated] = [await service(handler), await service(handler, gate)]
  const [without, behind] = [bare, gated].map(app => new Contender<'cpu'>(() => round(app))) as [
    Contender<'cpu'>,
    Contender<'cpu'>,
  ]
  await alternate(rounds(200), [without, behind])
  await Promise.all([bare.close(), gated.close()])
  const [ours, theirs] = [behind.middle('cpu'), without.middle('cpu')]
  return { group: 'gate', what, ours, unit: 'µs', than: 'without the gate', theirs, limit }
}

async function service(handler: () => Promise<unknown>, gate?: Gate): Promise<FastifyInstance> {
  const app = fastify()
  if (gate) await app.register(gatePlugin, { gate })
  app.get('/', handler)
  await app.ready()
  return app
}

/** Microseconds of processor time for one request, without a network: the plugin's share shows best there. */
async function round(app: FastifyInstance): Promise<{ cpu: number }> {
  const before = process.cpuUsage()
  for (let i = 0; i < REQUESTS; i++) {
    const { statusCode } = await app.inject('/')
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`)
  }
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / REQUESTS }
}

async function looks(client: pg.Client, count: number): Promise<Figure> {
  await fillLedger(client, manifestOf(count))
  await client.query(
    `prepare look_${count} as ${lookSql('schemagate', [{ schema: 'pg_catalog', table: 'pg_class' }], 'null::text')}`,
  )
  const times: number[] = []
  for (let i = 0; i < LOOKS; i++) {
    const started = performance.now()
    await client.query(`execute look_${count}`)
    times.push(performance.now() - started)
  }
  const what = `one look, ${count.toLocaleString('en')} applied: wall`
  return { group: 'gate', what, ours: middle(times), unit: 'ms' }
}

async function openGate(client: pg.Client, url: string, manifest: Manifest): Promise<Gate> {
  await fillLedger(client, manifest)
  // The loop of calls blocks the event loop for longer than an answer holds otherwise.
  const gate = createGate({ url, manifest, staleAfter: 60_000 })
  await gate.whenOpen({ timeout: 10_000 })
  return gate
}

await runBench(import.meta, gate)
