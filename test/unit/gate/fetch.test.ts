// Answers of fetch handlers behind a gate that has closed.

import { EventEmitter } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { gateFetch } from '../../../gate/adapters/fetch.ts'
import type { Gate } from '../../../gate/gate.ts'

/** What the adapter uses of a gate. */
class Switch extends EventEmitter {
  isOpen = true
  inside = 0

  enter(): boolean {
    if (this.isOpen) this.inside++
    return this.isOpen
  }

  leave(): void {
    this.inside--
  }

  change(isOpen: boolean): void {
    this.isOpen = isOpen
    this.emit('change')
  }
}

test('one that nobody reads is broken off after ten seconds, however late it has begun', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const gate = new Switch()
  const answer = Promise.withResolvers<Response>()
  const request = gateFetch(gate as unknown as Gate, () => answer.promise)(new Request('http://localhost/'))
  gate.change(false)
  vi.advanceTimersByTime(15_000)
  // its handler is at work, and is waited for
  expect(gate.inside).toBe(1)
  answer.resolve(new Response('an answer'))
  const { body } = await request
  vi.advanceTimersByTime(5_000)
  // closed for another reason: that does not begin the time again
  gate.change(false)
  vi.advanceTimersByTime(5_000)
  expect(gate.inside).toBe(1)
  vi.advanceTimersByTime(300)
  expect(gate.inside).toBe(0)
  // and nothing is looked at any more
  expect(vi.getTimerCount()).toBe(0)
  await expect(new Response(body).text()).rejects.toThrow('taken away')
})
