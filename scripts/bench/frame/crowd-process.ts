// The process of a crowd: many gates, or many plain connections, on one database. `crowd.ts` starts it and asks it.

import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { createGate, type Gate } from '../../../gate/gate.ts'
import type { Question, Reply, Task } from './crowd.ts'
import { manifestOf } from './ledger.ts'

/** So many connect at a time. */
const AT_ONCE = 24

const task: Task = JSON.parse(process.argv[2]!)
const gates: Gate[] = []
const clients: pg.Client[] = []
/** How often each question was asked, by its beginning. */
const asked = new Map<string, number>()

const send = pg.Client.prototype.query
Object.assign(pg.Client.prototype, {
  query(this: pg.Client, ...args: Parameters<typeof send>) {
    const question: unknown = args[0]
    const text = typeof question === 'string' ? question : `${Object(question).text ?? Object(question).name}`
    const start = text.slice(0, 40)
    asked.set(start, (asked.get(start) ?? 0) + 1)
    return Reflect.apply(send, this, args)
  },
})

async function openGate(): Promise<void> {
  const { url, applied } = task
  // A busy machine must not keep the crowd from gathering; all else is as an app has it.
  const gate = createGate({ url, manifest: manifestOf(applied), connectTimeout: 30_000 })
  gates.push(gate)
  await gate.whenOpen({ timeout: 60_000 })
}

async function connect(): Promise<void> {
  const client = new pg.Client(task.url)
  await client.connect()
  clients.push(client)
}

/** Every second connection asks, as of a gate's two: `rate` times a second, not all at the same moment. */
async function ask(client: pg.Client, rate: number): Promise<void> {
  await pause((Math.random() * 1_000) / rate)
  setInterval(() => client.query('select 1').catch(() => process.exit(1)), 1_000 / rate)
}

function memory(): { readonly rss: number; readonly heap: number } {
  for (let i = 0; i < 3; i++) global.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external }
}

const before = memory()
const open = task.what === 'gates' ? openGate : connect
let left = task.count
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await open()
  }),
)
await pause(task.settle)
const after = memory()

process.on('message', (question: Question) => {
  if (question.ask !== undefined) for (let i = 0; i < clients.length; i += 2) void ask(clients[i]!, question.ask)
  reply({ asked: Object.fromEntries(asked), open: gates.filter(gate => gate.isOpen).length })
})
process.on('disconnect', () => process.exit())
reply({ rss: after.rss - before.rss, heap: after.heap - before.heap })

function reply(message: Reply): void {
  process.send!(message)
}
