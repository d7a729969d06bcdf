// How long an attempt has waited for locks, and how long the pause after it is.

import { expect, test } from 'vitest'
import { pauseAfter } from '../../../migrator/run/attempt.ts'
import { LockClock } from '../../../migrator/run/lock-clock.ts'

const look = (transaction: string, since?: string, age?: number) => ({
  ...{ transaction, waiting: since !== undefined, since: since ?? null, age: age ?? null },
})

test('the waits of one transaction add up, and a new transaction begins at zero', () => {
  const clock = new LockClock()
  expect(clock.see(look('t1'), 1_000)).toBe(0)
  expect(clock.see(look('t1', 'a', 100), 1_200)).toBe(100)
  expect(clock.see(look('t1', 'a', 300), 1_400)).toBe(300)
  // the first wait went on for something between 0 and 100 ms after it was last seen
  expect(clock.see(look('t1', 'b', 100), 1_600)).toBe(300 + 50 + 100)
  // over, for all that is known in the middle between the two looks
  expect(clock.see(look('t1'), 1_800)).toBe(300 + 50 + 100 + 100)
  expect(clock.see(look('t1'), 9_000)).toBe(550)
  expect(clock.see(look('t2', 'c', 10), 9_100)).toBe(10)
})

test('a server that does not tell when a wait began is asked often enough to know it', () => {
  const clock = new LockClock()
  const waiting = { transaction: 't', waiting: true, since: null, age: null }
  expect(clock.see(waiting, 1_000)).toBe(0)
  expect(clock.see(waiting, 1_200)).toBe(200)
  expect(clock.see(waiting, 2_000)).toBe(1_000)
})

test('a pause is at least twice the wait, grows, and is bounded', () => {
  for (const waited of [0, 5, 300, 2_000, 30_000]) {
    for (const random of [0, 0.5, 0.999]) {
      const pauses = Array.from({ length: 20 }, (_, i) => pauseAfter(i + 1, waited, random))
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(2 * waited)
      expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
      expect(pauses[2]).toBeGreaterThan(pauses[0]!)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(Math.max(12_000, 4 * waited))
    }
  }
})

test('with the defaults all attempts and pauses take less than five minutes, the time that another migrator waits', () => {
  const pauses = Array.from({ length: 20 }, (_, i) => pauseAfter(i + 1, 2_000, 1))
  expect(pauses.reduce((sum, pause) => sum + pause, 21 * 2_000)).toBeLessThan(300_000)
})
