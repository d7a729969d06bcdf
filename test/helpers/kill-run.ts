// Many kill points in a row: which ones, on which databases, and what became of them.

import { randomBytes, randomInt } from 'node:crypto'
import type pg from 'pg'
import { expect } from 'vitest'
import { type Cause, describePoint, type KillPoint, type Moment, type Outcome } from './kill-point.ts'

/** TEST_LONG=1 tries every moment of every message; otherwise a sample of them, which TEST_SEED repeats. */
export const long = process.env.TEST_LONG === '1'
export const seed = Number(process.env.TEST_SEED ?? randomInt(1_000_000))
export const timeout = long ? 60 * 60_000 : 10 * 60_000

/** Tries a single point again, as its failure names it: TEST_POINT='SIGKILL after message 12'. */
const only = process.env.TEST_POINT

const moments: readonly Moment[] = ['before', 'after', 'answered']

/** The points of one cause; in the ordinary run every `nth` message from a random one on, and the moments in turn. */
export function pointsOf(cause: Cause, messages: number, nth: number): KillPoint[] {
  const all = Array.from({ length: messages }, (_, i) => i + 1)
  const every = all.flatMap(index => moments.map(moment => ({ cause, moment, index })))
  if (only) return every.filter(point => describePoint(point) === only)
  if (long) return every
  return all
    .filter(index => index % nth === seed % nth)
    .map((index, i) => ({ cause, moment: moments[(i + seed) % moments.length] ?? 'before', index }))
}

/** A database that lives only as long as it is used. */
export async function inScratch<T>(
  admin: pg.Pool,
  server: string,
  use: (url: string, name: string) => Promise<T>,
  template = 'template0',
): Promise<T> {
  const name = `k_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name} template ${template} strategy wal_log`)
  const url = new URL(server)
  url.pathname = `/${name}`
  try {
    return await use(url.href, name)
  } finally {
    await admin.query(`drop database ${name} with (force)`)
  }
}

/** Works through `points`, so many at once. */
export async function tryAll(
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
export function judge(what: string, outcomes: readonly Outcome[], started: number): void {
  const failed = outcomes.flatMap(({ failure }) => failure ?? [])
  const reached = outcomes.filter(({ at }) => at !== undefined).length
  const seconds = Math.round((performance.now() - started) / 1_000)
  console.log(
    `kill points, ${what}: ${reached} reached of ${outcomes.length}, ${failed.length} failed (${seconds} s${long || only ? '' : `, TEST_SEED=${seed}`})`,
  )
  expect(failed.join('\n\n')).toBe('')
  // a point that the run never comes to proves nothing
  expect(reached).toBeGreaterThanOrEqual(outcomes.length * 0.95)
}
