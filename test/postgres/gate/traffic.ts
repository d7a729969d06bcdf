// Requests without a pause against a real server behind the gate: what was answered, and when.

import fastify from 'fastify'
import { onTestFinished } from 'vitest'
import { gatePlugin } from '../../../gate/adapters/fastify.ts'
import type { Gate } from '../../../gate/gate.ts'

export interface Answer {
  /** When the request was sent and its answer had come, as `performance.now()`. */
  readonly sent: number
  readonly came: number
  readonly status: number
}

export interface Traffic {
  readonly answers: readonly Answer[]
  /** Ends it and gives all answers. */
  stop(): Promise<readonly Answer[]>
}

/** A server with one route, behind the gate, and four clients that ask it without a pause until stopped. */
export async function traffic(gate: Gate, work: () => Promise<unknown> = async () => 'done'): Promise<Traffic> {
  const app = fastify()
  await app.register(gatePlugin, { gate })
  app.get('/work', async () => ({ result: await work() }))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const answers: Answer[] = []
  let stopping = false
  const client = async () => {
    while (!stopping) {
      const sent = performance.now()
      const response = await fetch(`${url}/work`)
      await response.arrayBuffer()
      answers.push({ sent, came: performance.now(), status: response.status })
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }
  const clients = [client(), client(), client(), client()]
  const stop = async () => {
    stopping = true
    await Promise.all(clients)
    await app.close()
    return answers
  }
  onTestFinished(async () => {
    await stop()
  })
  return { answers, stop }
}

/** Of the requests that were sent in a span of time, those that were not refused. */
export function served(answers: readonly Answer[], from: number, to = Number.POSITIVE_INFINITY): Answer[] {
  return answers.filter(({ sent, came, status }) => sent >= from && came <= to && status !== 503)
}
