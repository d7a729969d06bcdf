// The count of requests inside a gate, whatever the order in which they end.

import { EventEmitter } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Gate } from '../../../gate/gate.ts'
import { requestsInside } from '../../../gate/requests/requests-inside.ts'

/** What a stay uses of a gate, and how many are inside. */
class Counter extends EventEmitter {
  isOpen = true
  inside = 0

  leave(): void {
    this.inside--
  }

  enter(response: ServerResponse) {
    this.inside++
    return requestsInside(this as unknown as Gate).add(response)
  }
}

const response = () => new ServerResponse(new IncomingMessage(new Socket()))

/** Its answer has begun, and its client is there. */
const begun = () => Object.assign(response(), { _header: 'HTTP/1.1 200 OK' })

describe('requests inside a gate', () => {
  test('each is counted until its own response is closed, in any order', () => {
    const gate = new Counter()
    const responses = Array.from({ length: 6 }, begun)
    const stays = responses.map(each => gate.enter(each))
    for (const [i, at] of [2, 0, 5, 1, 4, 3].entries()) {
      responses[at]!.emit('close')
      expect(gate.inside).toBe(5 - i)
      // neither its end nor its close counts again
      stays[at]!.leave()
      responses[at]!.emit('close')
      expect(gate.inside).toBe(5 - i)
    }
  })

  test('one that has no connection, and so no end of it, is gone once it was answered', () => {
    const gate = new Counter()
    for (let i = 0; i < 9; i++) {
      const answer = response()
      // as serverless-express does: what is written goes nowhere, and nothing closes the response
      const write = (_data: string, _encoding: string, done: () => void) => done()
      answer.assignSocket(Object.assign(new Socket(), { write }) as Socket)
      gate.enter(answer)
      answer.end('answer')
    }
    expect(gate.inside).toBe(1)
  })

  test('one that left early is not counted down by its close', () => {
    const gate = new Counter()
    const [early, late] = [begun(), begun()]
    const stay = gate.enter(early)
    gate.enter(late)
    stay.leave()
    early.emit('close')
    expect(gate.inside).toBe(1)
    late.emit('close')
    expect(gate.inside).toBe(0)
  })

  test('a cut ends those that are inside, and no others', () => {
    const gate = new Counter()
    const responses = Array.from({ length: 5 }, begun)
    for (const each of responses) gate.enter(each)
    for (const at of [0, 4]) responses[at]!.emit('close')
    gate.emit('cut')
    expect(responses.map(each => each.destroyed)).toEqual([false, true, true, true, false])
  })

  test('one that was upgraded lasts as long as its connection, which is ended after the gate has closed', async () => {
    const gate = new Counter()
    const upgraded = () => Object.assign(new IncomingMessage(new Socket()), { upgrade: true })
    // as express-ws passes it to the routes: no connection is assigned to it
    const [left, open] = [upgraded(), upgraded()].map(request => {
      gate.enter(new ServerResponse(request))
      return request.socket
    })
    gate.isOpen = false
    gate.emit('change')
    left!.destroy()
    await vi.waitFor(() => expect(gate.inside).toBe(1))
    expect(open!.destroyed).toBe(false)
    await vi.waitFor(() => expect(gate.inside).toBe(0), { timeout: 5_000 })
    expect(open!.destroyed).toBe(true)
  })

  test('one whose body is being read and does not end is cut ten seconds after the gate has closed', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const gate = new Counter()
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => Date.now())
    onTestFinished(() => clock.mockRestore())
    const [arriving, come, unread] = Array.from({ length: 3 }, response)
    for (const each of [arriving!, come!, unread!]) gate.enter(each)
    for (const each of [arriving!, come!]) each.req.resume()
    gate.isOpen = false
    gate.emit('change')
    vi.advanceTimersByTime(9_900)
    come!.req.complete = true
    expect([arriving!, come!, unread!].map(each => each.destroyed)).toEqual([false, false, false])
    vi.advanceTimersByTime(20_000)
    // a handler is at work, and is waited for, whether it has read the body or not
    expect([arriving!, come!, unread!].map(each => each.destroyed)).toEqual([true, false, false])
  })

  // up to Node 22 no event says of a response behind another one on its connection that the connection has ended
  describe('whose connection has ended without an event', () => {
    const cutOff = (gate: Counter, { isBegun }: { isBegun: boolean }) => {
      const socket = new Socket()
      const waiting = new ServerResponse(new IncomingMessage(socket))
      if (isBegun) Object.assign(waiting, { _header: 'HTTP/1.1 200 OK' })
      gate.enter(waiting)
      socket.destroy()
      return waiting
    }

    test('do not become more and more', () => {
      const gate = new Counter()
      for (let i = 0; i < 1_000; i++) cutOff(gate, { isBegun: true })
      expect(gate.inside).toBeLessThan(5)
    })

    test('hold up no gate that has closed, once they are answered', () => {
      vi.useFakeTimers()
      onTestFinished(() => void vi.useRealTimers())
      const gate = new Counter()
      cutOff(gate, { isBegun: true })
      const working = cutOff(gate, { isBegun: false })
      gate.isOpen = false
      gate.emit('change')
      vi.advanceTimersByTime(500)
      expect(gate.inside).toBe(1)
      working.end('an answer')
      vi.advanceTimersByTime(500)
      expect(gate.inside).toBe(0)
      // and nothing is looked at any more
      expect(vi.getTimerCount()).toBe(0)
    })
  })
})
