// An additive migration under load: the app goes on serving.

import { expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { registerAndLogIn } from '../scenario/client.ts'
import { newer } from '../scenario/releases.ts'
import { keepAsking } from '../scenario/requests.ts'
import { test } from '../scenario/stack.ts'
import { migrate, succeeds } from '../scenario/steps.ts'

test('an app under 200 requests a second goes on serving while an additive migration is applied', async ({
  stack,
  task,
}) => {
  await succeeds(stack, 'up', '--detach', '--wait')
  const headers = { authorization: `Bearer ${await registerAndLogIn(stack.url)}` }
  await stack.override({ migrator: (await newer()).migrator })
  const asks = ['/api/v1/auth/me', '/api/v1/tickets'].map(
    path => ({ method: 'GET', path, headers, open: 200 }) as const,
  )
  const client = keepAsking(stack.url, asks, { interval: 5, limit: 2_000 })
  const applied = await migrate(stack)
  await eventually(() => expect(client.answers).toHaveLength(2_000), { timeout: 30_000, interval: 100 })
  const answers = await client.stop()

  const failed = answers.filter(({ status }) => status !== 200)
  const longest = Math.max(...answers.map(({ sent, came }) => came - sent))
  const seconds = (answers.at(-1)!.sent - answers[0]!.sent) / 1_000
  console.log(
    `${task.name}: ${answers.length} sent in ${seconds.toFixed(1)} s, ${failed.length} failed, longest ${longest} ms`,
  )
  expect(failed).toEqual([])
  expect(answers.some(({ came }) => came < applied)).toBe(true)
  expect(answers.some(({ sent }) => sent > applied)).toBe(true)
})
