// Requests inside an open gate: each counts until its answer has been handed to the network, or a limit has passed.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { performance } from 'node:perf_hooks'
import type { Gate } from '../gate.ts'
import { pollWhileClosed } from './poll-while-closed.ts'

// After its client has disconnected, a handler counts until it answers, for this long at most: it may never answer.
const ABANDONED_FOR = 10_000

// Limits once the gate has closed. An answer that has been written waits in memory for its client, and needs the database
// no more. One that is still being written may read the database as it goes, and a request whose body is still coming may
// take as long as its client likes: their connections are cut.
const UNREAD_FOR = 1_000
const UNFINISHED_FOR = 10_000

/** What tells that a handler has done its work, where the response alone does not: Fastify's reply, for one. */
export interface Work {
  readonly sent: boolean
}

/** A response, or a stream of HTTP/2, which is a request and its response in one. */
export type Answer = (ServerResponse & { readonly stream?: ServerHttp2Stream }) | ServerHttp2Stream

function isStream(answer: Answer): answer is ServerHttp2Stream {
  return 'pushAllowed' in answer
}

/** One request's stay: all that is made for a request, besides the listener for its end. */
class Stay {
  readonly response: Answer
  /** Since when it has been in its present state behind a closed gate. */
  since = 0
  ended = false
  #isAbandoned = false
  readonly #inside: RequestsInside
  readonly #work: Work | undefined
  /** Its place among those inside; -1 once it has left. */
  #place: number

  constructor(inside: RequestsInside, response: Answer, work: Work | undefined) {
    this.#inside = inside
    this.response = response
    this.#work = work
    this.#place = inside.stays.push(this) - 1
  }

  get isAnswered(): boolean {
    return this.response.writableEnded || (this.#work?.sent ?? false)
  }

  /** Ends the count. Nothing happens if it has ended. */
  leave(): void {
    if (this.#place < 0) return
    const { gate, stays } = this.#inside
    // The last one takes its place. A Set would rebuild its table every few requests.
    const last = stays.pop()!
    if (last !== this) {
      stays[this.#place] = last
      last.#place = this.#place
    }
    this.#place = -1
    gate.leave()
  }

  /**
   * Its connection has ended, or was given all of the answer. Up to Node 22 no event says so of a response that waits behind
   * another one (pipelining), and none of a response without a connection: those that adapters of AWS Lambda make.
   */
  get isOver(): boolean {
    const { closed, writableFinished } = this.response
    return closed || writableFinished || this.#request?.socket?.destroyed === true
  }

  /** Its connection has left HTTP: a WebSocket that a framework has routed. The stay is as long as the connection lasts. */
  get isUpgraded(): boolean {
    return this.#request?.upgrade === true
  }

  /** Its handler reads a body that has not come to its end. */
  get isArriving(): boolean {
    const request = this.#request
    if (request !== undefined) return !request.complete && request.readableFlowing !== null
    return isStream(this.response) && !this.response.readableEnded && this.response.readableFlowing !== null
  }

  /** Not every adapter's response has one. */
  get #request(): (IncomingMessage & { readonly upgrade?: boolean }) | undefined {
    return isStream(this.response) ? undefined : this.response.req
  }

  onClose(): void {
    if (this.response.headersSent || this.isAnswered || this.isUpgraded) this.leave()
    else if (this.#place >= 0 && !this.#isAbandoned) leaveOnceAnswered(this)
    this.#isAbandoned = true
  }
}

/** The requests inside one gate. */
class RequestsInside {
  readonly gate: Gate
  /** In no order. */
  readonly stays: Stay[] = []
  /** Which of them is to be looked at next. */
  #next = 0

  constructor(gate: Gate) {
    this.gate = gate
    pollWhileClosed(gate, {
      isEmpty: () => this.stays.length === 0,
      poll: () => endUnread(this.stays),
      reset: () => {
        for (const stay of this.stays) stay.since = 0
      },
    })
    gate.on('cut', () => {
      for (const stay of [...this.stays]) if (!stay.response.writableEnded) breakOff(stay)
    })
  }

  /**
   * Counts a response that `gate.enter()` has let in until it is closed: for a client that reads, when its last byte was
   * handed to the kernel. A client that does not read cannot hold up a closing gate: an answer that has been written counts
   * for one more second, and one that is being written for ten, after which its connection is cut, and so is a request whose
   * body is still being read. A handler that has not begun to answer counts for as long as it works, unless the ledger is
   * taken away under it: then its connection is cut.
   * One that was upgraded (a WebSocket) is ended a second after the gate has closed.
   * `leave` of what it returns ends the count earlier.
   * @param work is asked after the client has disconnected; without it only the response tells.
   */
  add(response: Answer, work?: Work): Pick<Stay, 'leave'> {
    this.#endOneOver()
    const stay = new Stay(this, response, work)
    // The listener stays for good: a response is closed once.
    if (response.closed) stay.onClose()
    else response.on('close', () => stay.onClose())
    return stay
  }

  /** For each request that enters another one is looked at, so that those that no event ends do not become more and more. */
  #endOneOver(): void {
    if (this.#next >= this.stays.length) this.#next = 0
    const stay = this.stays[this.#next++]
    if (stay?.isOver) stay.onClose()
  }
}

const insideOf = new WeakMap<Gate, RequestsInside>()

/** Those inside a gate, for all of its adapters: to be asked for once, and not for each request. */
export function requestsInside(gate: Gate): Pick<RequestsInside, 'add'> {
  const inside = insideOf.get(gate) ?? new RequestsInside(gate)
  insideOf.set(gate, inside)
  return inside
}

/** Ends requests that still count only because their clients do not read the answers, or do not send the rest. */
function endUnread(stays: readonly Stay[]): void {
  const now = performance.now()
  // A copy: one that leaves changes the places of others.
  for (const stay of [...stays]) {
    const { response } = stay
    if (stay.isOver) stay.onClose()
    if (response.closed) continue
    if (!(response.headersSent || stay.isUpgraded || stay.isArriving)) {
      stay.since = 0
      continue
    }
    const ended = response.writableEnded
    if (stay.since === 0 || stay.ended !== ended) Object.assign(stay, { since: now, ended })
    const age = now - stay.since
    if (stay.isUpgraded && age > UNREAD_FOR) breakOff(stay)
    else if (ended && age > UNREAD_FOR) stay.leave()
    else if (!ended && age > UNFINISHED_FOR) breakOff(stay)
  }
}

/** Ends an answer so that its client sees it is not whole: a stream of HTTP/2 that is ended without an error looks so. */
function breakOff({ response, isUpgraded }: Stay): void {
  const stream = isStream(response) ? response : response.stream
  if (stream) {
    // an error without a listener would end the process
    stream.on('error', () => {})
    stream.destroy(new Error('The gate has closed, and what was inside is cut.'))
    // the response may be one that was made for the routes alone
  } else if (isUpgraded && !isStream(response)) response.req.socket.destroy()
  else response.destroy()
}

/** Polls: no event reports an answer to a client that has disconnected. */
function leaveOnceAnswered(stay: Stay): void {
  const since = performance.now()
  const timer = setInterval(() => {
    if (!stay.isAnswered && performance.now() - since < ABANDONED_FOR) return
    clearInterval(timer)
    stay.leave()
  }, 20).unref()
}
