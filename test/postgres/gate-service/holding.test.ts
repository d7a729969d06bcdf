// `--drain` and `--hold`: a breaking migration waits for what was let through, and what comes while it runs waits for it.

import { describe, expect } from 'vitest'
import { migratorName } from '../../../gate/protocol/announcement.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { forwarded, type GateService, gateService } from './fixtures.ts'

const first = { '0001_orders.sql': 'create table orders (id int, ran_at timestamptz default clock_timestamp());\n' }
const breaking = (sql: string) => ({ '0002_breaking.sql': `-- schemagate:breaking\n${sql}\n` })

/** The migrator, and manifests made from the same folder. */
function migratorOf(database: ScratchDatabase, dir: string) {
  const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' }
  return {
    up: () => schemagate(['up'], { env }),
    manifest: async () => JSON.parse((await schemagate(['manifest'], { env })).stdout),
  }
}

/** A hundred questions a second, as a proxy asks them, until stopped: each with its answer and how long that took. */
function hundredASecond(gate: GateService) {
  const asked: Promise<{ status: number; ms: number }>[] = []
  const ask = async () => {
    const sent = performance.now()
    const response = await gate.get('/ready', forwarded)
    await response.arrayBuffer()
    return { status: response.status, ms: performance.now() - sent }
  }
  const timer = setInterval(() => asked.push(ask()), 10)
  return async () => {
    clearInterval(timer)
    const answers = await Promise.all(asked)
    const failed = answers.filter(({ status }) => status !== 200).length
    return { count: answers.length, failed, longest: Math.round(Math.max(...answers.map(({ ms }) => ms))) }
  }
}

async function migratorConnected(database: ScratchDatabase): Promise<void> {
  await eventually(async () => {
    const { rows } = await database.query(
      `select from pg_stat_activity where datname = $1 and application_name like '${migratorName}%' and query like '%pg_sleep%'`,
      [database.name],
    )
    expect(rows).toHaveLength(1)
  })
}

describe('--drain', () => {
  test('a breaking migration waits until so long after the last 200', async ({ database }) => {
    const dir = await folder(first)
    const { up, manifest } = migratorOf(database, dir)
    expect((await up()).code).toBe(0)
    const gate = await gateService({ url: database.url, manifest: await manifest(), args: ['--drain', '3s'] })
    await eventually(async () => expect(await gate.ready()).toBe(200))
    await write(dir, breaking('insert into orders values (1);'))
    const running = up()
    let last = Date.now()
    await eventually(async () => {
      const before = Date.now()
      if ((await gate.ready()) === 200) last = before
      expect(await gate.ready()).toBe(503)
    })
    expect((await running).code).toBe(0)
    const { rows } = await database.query<{ ran_at: Date }>('select ran_at from orders')
    const waited = rows[0]!.ran_at.getTime() - last
    expect(waited).toBeGreaterThanOrEqual(2_990)
    expect(waited).toBeLessThan(6_000)
  })

  test('a gate that has let nothing through for that long holds up none', async ({ database }) => {
    const dir = await folder(first)
    const { up, manifest } = migratorOf(database, dir)
    await up()
    const gate = await gateService({ url: database.url, manifest: await manifest(), args: ['--drain', '20s'] })
    await eventually(async () => expect(await gate.metric('schemagate_gate_open')).toBe(1))
    await write(dir, breaking('insert into orders values (1);'))
    const started = performance.now()
    expect((await up()).code).toBe(0)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test('a gate that is stopped refuses at once, and goes after that time with 0', async ({ database }) => {
    const { up, manifest } = migratorOf(database, await folder(first))
    await up()
    const gate = await gateService({ url: database.url, manifest: await manifest(), args: ['--drain', '1s'] })
    await eventually(async () => expect(await gate.ready()).toBe(200))
    const started = performance.now()
    gate.running.kill('SIGTERM')
    const { code } = await gate.running.ended
    expect(code).toBe(0)
    expect(performance.now() - started).toBeGreaterThan(900)
  })
})

describe('--hold', () => {
  test('no request fails through three seconds of a breaking migration that the app knows', async ({ database }) => {
    const dir = await folder(first)
    const { up, manifest } = migratorOf(database, dir)
    await up()
    await write(dir, breaking('select pg_sleep(3);'))
    const gate = await gateService({ url: database.url, manifest: await manifest(), args: ['--hold', '10s'] })
    const running = up()
    const stop = hundredASecond(gate)
    await migratorConnected(database)
    // a health check has no such headers, and is answered at once
    const asked = performance.now()
    expect(await gate.ready()).toBe(503)
    expect(performance.now() - asked).toBeLessThan(1_000)
    expect((await running).code).toBe(0)
    await eventually(async () => expect(await gate.ready()).toBe(200))
    const { count, failed, longest } = await stop()
    console.log(`${count} requests, ${failed} failed, the longest wait ${longest} ms`)
    expect(count).toBeGreaterThan(100)
    expect(failed).toBe(0)
    expect(longest).toBeGreaterThan(2_500)
    expect(await gate.metric('schemagate_gate_held_total{outcome="opened"}')).toBeGreaterThan(100)
  })

  test('nor through one that fails, before an app that does not know it', async ({ database }) => {
    const dir = await folder(first)
    const { up, manifest } = migratorOf(database, dir)
    await up()
    const gate = await gateService({
      url: database.url,
      manifest: await manifest(),
      args: ['--hold', '15s', '--drain', '500ms'],
    })
    await eventually(async () => expect(await gate.ready()).toBe(200))
    await write(dir, breaking('select pg_sleep(3);\nselect 1/0;'))
    const stop = hundredASecond(gate)
    const { code } = await up()
    expect(code).toBe(5)
    await eventually(async () => expect(await gate.ready()).toBe(200))
    const { count, failed, longest } = await stop()
    console.log(`${count} requests, ${failed} failed, the longest wait ${longest} ms`)
    expect(failed).toBe(0)
    expect(longest).toBeGreaterThan(3_000)
  })

  test('an app that is too old for good is refused at once, and so are those that waited', async ({ database }) => {
    const dir = await folder(first)
    const { up, manifest } = migratorOf(database, dir)
    await up()
    const args = ['--hold', '60s', '--drain', '200ms']
    const gate = await gateService({ url: database.url, manifest: await manifest(), args })
    await eventually(async () => expect(await gate.ready()).toBe(200))
    await write(dir, breaking('select pg_sleep(1);'))
    const running = up()
    await migratorConnected(database)
    const waiting = gate.get('/ready', forwarded)
    expect((await running).code).toBe(0)
    const answer = await waiting
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ state: 'too-old' })
    expect(await gate.ready(forwarded)).toBe(503)
    expect(await gate.metric('schemagate_gate_held_total{outcome="closed"}')).toBeGreaterThan(0)
  })

  test('the wait is bounded in time, and in number: the rest is shed and counted', async ({ database }) => {
    const dir = await folder(first)
    const { manifest } = migratorOf(database, dir)
    const gate = await gateService({ url: database.url, manifest: await manifest(), args: ['--hold', '3s'] })
    await eventually(async () =>
      expect((await gate.get('/ready')).headers.get('x-schemagate-state')).toBe('unmigrated'),
    )
    const asks = Array.from({ length: 1_200 }, async () => {
      const sent = performance.now()
      const response = await gate.get('/ready', forwarded)
      await response.arrayBuffer()
      return { status: response.status, ms: performance.now() - sent }
    })
    await eventually(async () => expect(await gate.metric('schemagate_gate_shed_total')).toBe(200))
    expect(await gate.metric('schemagate_gate_held')).toBe(1_000)
    expect(await gate.ready()).toBe(503)
    const answers = await Promise.all(asks)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
    expect(await gate.metric('schemagate_gate_held_total{outcome="timeout"}')).toBe(1_000)
    expect(await gate.metric('schemagate_gate_held')).toBe(0)
  })

  test('a client that leaves frees its place', async ({ database }) => {
    const { manifest } = migratorOf(database, await folder(first))
    const gate = await gateService({ url: database.url, manifest: await manifest(), args: ['--hold', '60s'] })
    const leaving = new AbortController()
    const asks = Array.from({ length: 20 }, () =>
      fetch(`${gate.url}/ready`, { headers: forwarded, signal: leaving.signal }).catch(() => 'gone'),
    )
    await eventually(async () => expect(await gate.metric('schemagate_gate_held')).toBe(20))
    leaving.abort()
    expect(new Set(await Promise.all(asks))).toEqual(new Set(['gone']))
    await eventually(async () => expect(await gate.metric('schemagate_gate_held')).toBe(0))
    expect(await gate.metric('schemagate_gate_held_total{outcome="gone"}')).toBe(20)
  })
})
