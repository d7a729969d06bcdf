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
  /** What the answer says, unless it is what was asked for. */
  readonly says?: string
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
  readonly timeout?: number
}

/** Asks each of `asks` in turn, at a steady pace whatever the answers, until it is stopped. */
export function keepAsking(
  url: string,
  asks: readonly Ask[],
  { interval, limit, timeout = 5_000 }: ClientOptions,
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
    const answered = answerTo(url, ask, agent, timeout).then(answer => {
      answers.push({ sent, came: Date.now(), ask, ...answer })
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

function answerTo(
  url: string,
  { method, path, headers, body, open }: Ask,
  agent: Agent,
  timeout: number,
): Promise<Pick<Answer, 'status' | 'says'>> {
  return new Promise(resolve => {
    const none = (error: Error) => resolve({ status: undefined, says: error.message })
    const outgoing = request(new URL(path, url), {
      method,
      agent,
      signal: AbortSignal.timeout(timeout),
      headers: { ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }), ...headers },
    })
    outgoing.on('response', response => {
      const { statusCode: status } = response
      response.on('error', none)
      if (status === open) {
        response.on('end', () => resolve({ status }))
        response.resume()
      } else {
        let says = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          says += chunk
        })
        response.on('end', () => resolve({ status, says }))
      }
    })
    outgoing.on('error', none)
    outgoing.end(body)
  })
}

/** Whether the app did what it was asked, or tried to: any answer but the closed gate's. */
export function isServed({ status }: Answer): boolean {
  return status !== undefined && status !== 503
}
