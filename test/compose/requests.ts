// A client that never stops asking: what the app answered to whom, and when, from before its port was open.

import { Agent, request } from 'node:http'

export interface Ask {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The status that it has while the gate is open. */
  readonly open: number
}

export interface Answer {
  /** Milliseconds since 1970: the containers' clock is the host's. */
  readonly sent: number
  readonly came: number
  readonly ask: Ask
  /** Undefined when there was no connection, or it broke before the answer came. */
  readonly status: number | undefined
}

export interface Client {
  readonly answers: readonly Answer[]
  /** Lets what is under way end, and gives all answers. */
  stop(): Promise<readonly Answer[]>
}

export interface ClientOptions {
  /** Milliseconds between two requests. */
  readonly interval: number
  /** No more requests than this are sent: a test that hangs must not become a load. */
  readonly limit: number
  /** Milliseconds after which an answer that has not come is none; five seconds if not stated. */
  readonly patience?: number
}

/** Asks each of `asks` in turn, at a steady pace whatever the answers, until it is stopped. */
export function keepAsking(
  url: string,
  asks: readonly Ask[],
  { interval, limit, patience = 5_000 }: ClientOptions,
): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const answers: Answer[] = []
  const underWay = new Set<Promise<void>>()
  const started = performance.now()
  let count = 0
  const send = () => {
    const ask = asks[count % asks.length]!
    count += 1
    const sent = Date.now()
    const answered = statusOf(url, ask, agent, patience).then(status => {
      answers.push({ sent, came: Date.now(), ask, status })
      underWay.delete(answered)
    })
    underWay.add(answered)
  }
  // Timers come late on a busy machine: what was missed is made up for, so that the pace is as stated.
  const timer = setInterval(() => {
    const due = Math.min(limit, Math.floor((performance.now() - started) / interval))
    while (count < due) send()
  }, interval)
  return {
    answers,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(underWay)
      agent.destroy()
      return answers
    },
  }
}

function statusOf(
  url: string,
  { method, path, headers, body }: Ask,
  agent: Agent,
  patience: number,
): Promise<number | undefined> {
  return new Promise(resolve => {
    const outgoing = request(new URL(path, url), {
      method,
      agent,
      signal: AbortSignal.timeout(patience),
      headers: { ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }), ...headers },
    })
    outgoing.on('response', response => {
      response.on('error', () => resolve(undefined))
      response.on('end', () => resolve(response.statusCode))
      response.resume()
    })
    outgoing.on('error', () => resolve(undefined))
    outgoing.end(body)
  })
}

/** Whether the app did what it was asked, or tried to: any answer but the closed gate's. */
export function isServed({ status }: Answer): boolean {
  return status !== undefined && status !== 503
}
