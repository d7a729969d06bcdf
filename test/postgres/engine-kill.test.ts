// Whatever stops a run, wherever it is, the next plain `up` comes to the end that an undisturbed run comes to.

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, inject } from 'vitest'
import { test } from '../helpers/database.ts'
import { killMigrations } from '../helpers/kill-migrations.ts'
import {
  type Cause,
  describePoint,
  type KillPoint,
  type Moment,
  type Outcome,
  tryPoint,
  undisturbed,
} from '../helpers/kill-point.ts'
import { folder } from '../helpers/migrations.ts'
import { ownServer } from '../helpers/server.ts'

/** TEST_LONG=1 tries every moment of every message; otherwise each message at one of its moments, in turn. */
const long = process.env.TEST_LONG === '1'
const timeout = long ? 45 * 60_000 : 6 * 60_000
const moments: readonly Moment[] = ['before', 'after', 'answered']

/** Tries a single point again, as its failure names it: TEST_POINT='SIGKILL after message 12'. */
const only = process.env.TEST_POINT

/** The points of one cause; in the ordinary run every `nth` message, and the moments in turn. */
function pointsOf(cause: Cause, messages: number, nth: number): KillPoint[] {
  const all = Array.from({ length: messages }, (_, i) => i + 1)
  if (only)
    return all
      .flatMap(index => moments.map(moment => ({ cause, moment, index })))
      .filter(point => describePoint(point) === only)
  if (long) return all.flatMap(index => moments.map(moment => ({ cause, moment, index })))
  return all
    .filter(index => index % nth === 0)
    .map((index, i) => ({ cause, moment: moments[i % moments.length] ?? 'before', index }))
}

/** A database that lives only as long as one point. */
async function inScratch<T>(admin: pg.Pool, server: string, use: (url: string) => Promise<T>): Promise<T> {
  const name = `k_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name} template template0 strategy wal_log`)
  const url = new URL(server)
  url.pathname = `/${name}`
  try {
    return await use(url.href)
  } finally {
    await admin.query(`drop database ${name} with (force)`)
  }
}

/** Works through `points`, so many at once. */
async function tryAll(
  points: readonly KillPoint[],
  atOnce: number,
  one: (point: KillPoint) => Promise<Outcome>,
): Promise<Outcome[]> {
  const queue = [...points]
  const outcomes: Outcome[] = []
  const work = async () => {
    for (let point = queue.shift(); point; point = queue.shift()) outcomes.push(await one(point))
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return outcomes
}

/** Prints the counts, and fails with every failure's story. */
function judge(what: string, outcomes: readonly Outcome[], started: number): void {
  const failed = outcomes.flatMap(({ failure }) => failure ?? [])
  const reached = outcomes.filter(({ at }) => at !== undefined).length
  const seconds = Math.round((performance.now() - started) / 1_000)
  console.log(`kill points, ${what}: ${reached} reached of ${outcomes.length}, ${failed.length} failed (${seconds} s)`)
  expect(failed.join('\n\n')).toBe('')
  // a point that the run never comes to proves nothing
  expect(reached).toBeGreaterThanOrEqual(outcomes.length * 0.95)
}

const causes: readonly (readonly [Cause, string, number])[] = [
  ['SIGKILL', 'killed outright at any message to the server', 1],
  ['cut', 'that loses its connection at any message to the server goes on by itself, and', 2],
  ['SIGTERM', 'told to stop at any message to the server', 5],
]

for (const [cause, how, nth] of causes) {
  test(`a run ${how} is finished by the next one`, { timeout }, async ({ admin }) => {
    const started = performance.now()
    const dir = await folder(killMigrations)
    const server = inject('postgres').url
    const reference = await inScratch(admin, server, url => undisturbed({ url, dir }))
    const points = pointsOf(cause, reference.messages.length, nth)
    const outcomes = await tryAll(points, 3, point =>
      inScratch(admin, server, url => tryPoint({ url, dir }, point, reference.end)),
    )
    judge(cause, outcomes, started)
  })
}

test('a run whose server crashes at any message to it goes on by itself once it is back', { timeout }, async () => {
  const started = performance.now()
  const dir = await folder(killMigrations)
  // what was committed without waiting for the disk stays off it for long: a crash loses it
  const server = await ownServer({ settings: { wal_writer_delay: '10s', wal_writer_flush_after: '100MB' } })
  const admin = new pg.Pool({ connectionString: server.url, max: 1 })
  admin.on('error', () => {})
  try {
    const reference = await inScratch(admin, server.url, url => undisturbed({ url, dir }))
    const points = pointsOf('crash', reference.messages.length, 8)
    const outcomes = await tryAll(points, 1, point =>
      inScratch(admin, server.url, url => tryPoint({ url, dir, server }, point, reference.end)),
    )
    judge('crash', outcomes, started)
  } finally {
    await admin.end()
  }
})
