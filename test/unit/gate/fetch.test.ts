// Answers of fetch handlers behind a gate that has closed.

import { EventEmitter } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
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

test('one that its server drops ends its stay and its source, also while the gate stays open', async () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const gate = new Switch()
  let cancelled = 0
  const page = () =>
    new Response(
      new ReadableStream({
        pull: controller => controller.enqueue(new Uint8Array(10)),
        cancel: () => void cancelled++,
      }),
    )
  const answer = async () => void (await gateFetch(gate as unknown as Gate, page)(new Request('http://localhost/')))
  // as SvelteKit does, which answers 304 in its place
  for (let i = 0; i < 10; i++) await answer()
  expect(gate.inside).toBe(10)
  await vi.waitFor(() => {
    collect()
    expect([gate.inside, cancelled]).toEqual([0, 10])
  })
})

test('a handler may take a request of a kind of its own, as NextRequest is, and what comes behind it', async () => {
  class Known extends Request {
    readonly known = 'yes'
  }
  const handler = async (request: Known, { id }: { id: number }) => new Response(`${request.known} ${id}`)
  const answer = await gateFetch(new Switch() as unknown as Gate, handler)(new Known('http://localhost/'), { id: 1 })
  expect(await answer.text()).toBe('yes 1')
})

test('no answer is passed on as none: what Bun has upgraded gets none', async () => {
  const gate = new Switch()
  const handler = (request: Request) => (request.headers.has('upgrade') ? undefined : new Response('work'))
  const upgraded = new Request('http://localhost/', { headers: { upgrade: 'websocket' } })
  expect(await gateFetch(gate as unknown as Gate, handler)(upgraded)).toBe(undefined)
  expect(gate.inside).toBe(0)
})
