// The fixture `witness`: a client that asks the app throughout a scenario, and the judgement of what it was answered.

import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { createTokens } from '../../../app/auth/tokens.ts'
import type { GateState } from '../../../gate/index.ts'
import { eventually } from '../../helpers/eventually.ts'
import { registerAndLogIn } from './client.ts'
import { type Answer, type Ask, isServed, keepAsking } from './requests.ts'
import { test as base, type Stack } from './stack.ts'

/** A time during which the database and the app disagreed; milliseconds since 1970, from the beginning if not stated. */
export interface Span {
  readonly from?: number
  readonly until: number
}

export interface Witness {
  readonly answers: readonly Answer[]
  /** Waits until the app says that its gate is in this state; from then on it must refuse whatever is asked. */
  refuses(state: GateState): Promise<void>
  /** The app must serve within five seconds of `agreed`, and go on doing so. Returns a new account's token. */
  serves(agreed: number): Promise<string>
  /** Ends the asking. Wrong is what was served in one of these times, and at any time an answer that has no place. */
  verdict(...disagreements: readonly Span[]): Promise<void>
}

const interval = 25
/** Three minutes' worth. */
const limit = 7_200
/**
 * An app that was not woken by what the migrator did would open no sooner, in milliseconds. How fast it is below that
 * depends on what else the machine does, and is printed.
 */
const overdue = 5_000
/** How many answers in a row are believed. */
const enough = 20

/** A bearer token that the app believes, of a user that does not exist. */
const token = await createTokens(new TextEncoder().encode('development-only-secret-change-before-use')).issue(
  randomUUID(),
)
const authorization = { authorization: `Bearer ${token}` }

const me = { method: 'GET', path: '/api/v1/auth/me', headers: authorization, open: 401 } as const
const list = { method: 'GET', path: '/api/v1/tickets', headers: authorization, open: 401 } as const

/** A login is one of many: its password hash takes the processor from the scenario. */
const asks: readonly Ask[] = [
  me,
  list,
  me,
  list,
  me,
  list,
  { method: 'GET', path: '/docs/json', open: 200 },
  me,
  { method: 'GET', path: '/no/such/route', open: 404 },
  {
    method: 'POST',
    path: '/api/v1/auth/login',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'nobody@example.com', password: 'wrong password' }),
    open: 401,
  },
]

/** Gives the test `witness`, which asks from before the first container is made. */
export const test = base.extend('witness', async ({ stack, task }, { onCleanup }): Promise<Witness> => {
  // One address asks a lot here.
  // A closed gate keeps the container in its start period, in which Docker starts a probe four times a second.
  await stack.override({
    app: { environment: { AUTH_RATE_LIMIT: '0' }, healthcheck: { start_interval: '1s' } },
  })
  const client = keepAsking(stack.url, asks, { interval, limit })
  onCleanup(async () => {
    await client.stop()
  })
  return {
    answers: client.answers,
    refuses: state => refuses(stack, client.answers, state),
    serves: async agreed => {
      const after = await serves(client.answers, agreed)
      console.log(`${task.name}: served ${after} ms after the database matched`)
      return registerAndLogIn(stack.url, `${randomUUID()}@example.com`)
    },
    verdict: async (...disagreements) => {
      const answers = await client.stop()
      expect(answers.length, 'the client must have asked to the end').toBeLessThan(limit)
      const refused = answers.filter(({ status }) => status === 503)
      const ended = await endings(stack)
      const wrong = answers.filter(
        answer =>
          isOdd(answer) ||
          disagreements.some(
            span => isWrong(answer, span) || (isLate(answer, span) && !wasInTime(answer, span, ended)),
          ),
      )
      const served = answers.filter(isServed)
      console.log(
        `${task.name}: ${answers.length} requests, ${refused.length} refused, ${served.length} served, ` +
          `${answers.length - refused.length - served.length} without a connection, ${wrong.length} wrong answers`,
      )
      expect(refused.length).toBeGreaterThanOrEqual(enough)
      expect(wrong.map(tell)).toEqual([])
    },
  }
})

async function refuses(stack: Stack, answers: readonly Answer[], state: GateState): Promise<void> {
  await eventually(async () => expect(await gateOf(stack)).toBe(state), { timeout: 60_000, interval: 50 })
  const known = Date.now()
  await eventually(() => {
    const since = answers.filter(({ sent }) => sent >= known)
    expect(since.filter(isServed).map(tell)).toEqual([])
    expect(since.length).toBeGreaterThanOrEqual(enough)
  })
}

/** What the app itself says of its gate. */
async function gateOf(stack: Stack): Promise<string> {
  const response = await fetch(`${stack.url}/health`)
  const { gate }: { gate: { state: string } } = JSON.parse(await response.text())
  return gate.state
}

async function serves(answers: readonly Answer[], agreed: number): Promise<number> {
  const later = () => answers.filter(({ sent, came }) => sent >= agreed || came >= agreed)
  const first = await eventually(() => {
    const served = later().find(isServed)
    expect(served, 'no request is served').toBeDefined()
    return served!
  })
  await eventually(() => {
    const since = answers.filter(({ sent }) => sent >= first.came)
    expect(since.filter(answer => !isServed(answer)).map(tell)).toEqual([])
    expect(since.length).toBeGreaterThanOrEqual(enough)
  })
  const after = Math.round(first.came - agreed)
  expect(after).toBeLessThan(overdue)
  return after
}

/** Decided and answered while the two disagreed: sent after that began, answered before it ended. */
function isWrong(answer: Answer, { from = 0, until }: Span): boolean {
  return isServed(answer) && answer.sent >= from && answer.came <= until
}

/** Let in before the two disagreed, answered after that: it may have been answered from what came then. */
function isLate(answer: Answer, { from = 0 }: Span): boolean {
  return isServed(answer) && answer.sent < from && answer.came > from
}

/** When the app had answered what, by its own log. */
type Ending = Readonly<Record<string, unknown>>

async function endings(stack: Stack): Promise<readonly Ending[]> {
  return (await stack.logs('app')).filter(({ event }) => event === 'request')
}

/** On a busy machine an answer comes to the client some time after the app has given it: the app's log says when that was. */
function wasInTime({ ask, status, sent }: Answer, { from = 0 }: Span, ended: readonly Ending[]): boolean {
  return ended.some(line => {
    const at = Date.parse(String(line.time))
    const isIt = line.method === ask.method && line.path === ask.path && line.status === status
    return isIt && at >= sent && at <= from
  })
}

/** Neither what the route answers nor the closed gate's answer: a 500, for one. */
function isOdd({ status, ask }: Answer): boolean {
  return status !== undefined && status !== 503 && status !== ask.open
}

function tell({ sent, came, ask, status }: Answer): string {
  const time = new Date(sent).toISOString()
  return `${time} ${ask.method} ${ask.path}: ${status ?? 'no connection'} after ${came - sent} ms`
}
