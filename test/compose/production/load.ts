// A load like that of users: a hundred requests a second, of which two register, two log in, and the rest is tickets.

import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { registerAndLogIn } from '../scenario/client.ts'
import { type Answer, type Ask, keepAsking } from '../scenario/requests.ts'

const interval = 10
/** Three minutes' worth. */
const limit = 18_000
/** How long an answer took is printed; on a busy machine a late one is not a wrong one. */
const timeout = 30_000

const json = { 'content-type': 'application/json' }
const password = 'correct horse battery staple'

export interface Load {
  /** Ends it, prints what came of it under this name, and fails unless every single request was answered as it should. */
  verdict(name: string): Promise<void>
}

/** Begins with an account of its own, and goes on until the verdict. Wants AUTH_RATE_LIMIT=0: it comes from one address. */
export async function beginLoad(url: string): Promise<Load> {
  const email = `${randomUUID()}@example.com`
  const authorization = { authorization: `Bearer ${await registerAndLogIn(url, email)}` }
  const asks = Array.from({ length: limit }, (_, count): Ask => {
    if (count % 50 === 0) return register()
    if (count % 50 === 25) return { method: 'POST', path: login, headers: json, body: credentials(email), open: 200 }
    if (count % 10 === 5)
      return { method: 'POST', path: tickets, headers: { ...json, ...authorization }, body, open: 201 }
    return { method: 'GET', path: tickets, headers: authorization, open: 200 }
  })
  const client = keepAsking(url, asks, { interval, limit, timeout })
  return {
    verdict: async name => {
      const answers = await client.stop()
      const failed = answers.filter(({ status, ask }) => status !== ask.open)
      const longest = Math.max(...answers.map(({ sent, came }) => came - sent))
      const seconds =
        (Math.max(...answers.map(({ came }) => came)) - Math.min(...answers.map(({ sent }) => sent))) / 1000
      const of = (path: string) => answers.filter(({ ask }) => ask.path === path).length
      console.log(
        `${name}: ${answers.length} requests in ${seconds.toFixed(1)} s (${of('/api/v1/auth/register')} register, ` +
          `${of(login)} login, ${of(tickets)} tickets), ${failed.length} failed, the longest wait was ${longest} ms`,
      )
      expect(answers.length, 'the load must have lasted to the end').toBeLessThan(limit)
      expect(failed.map(tell)).toEqual([])
    },
  }
}

const login = '/api/v1/auth/login'
const tickets = '/api/v1/tickets'
const body = JSON.stringify({ title: 'The printer is on fire', description: 'Again.' })

function credentials(email: string): string {
  return JSON.stringify({ email, password })
}

/** A new account each time. */
function register(): Ask {
  const account = { email: `${randomUUID()}@example.com`, password, full_name: 'Ada Lovelace' }
  return { method: 'POST', path: '/api/v1/auth/register', headers: json, body: JSON.stringify(account), open: 201 }
}

function tell({ sent, came, ask, status, says }: Answer): string {
  const what = `${new Date(sent).toISOString()} ${ask.method} ${ask.path}`
  return `${what}: ${status ?? 'no answer'} after ${came - sent} ms: ${says}`
}
