// Scenarios of a deploy that is killed outright, at each of its steps.

import { expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { long, seed } from '../../helpers/kill-run.ts'
import { current, newer } from '../scenario/releases.ts'
import { test } from './fixture.ts'
import { deploys, health, imageOf, images, timeout } from './steps.ts'

test('a deploy killed at any of its steps is finished by the next one', { timeout }, async ({ production }) => {
  // How far into each step, in milliseconds: a replica is stopped for three seconds before it is replaced.
  const all: [step: string, after: number][] = [
    ['check the setting', 0],
    ['get the images', 0],
    ['wait for the database', 0],
    ['see what is pending', 300],
    ['migrate', 600],
    ['replace app', 0],
    ['replace app', 2_000],
    ['replace app-2', 5_000],
    ['see to the proxy', 0],
    ['ask it with curl', 0],
  ]
  const begins = (step: string) => ['check', 'get', 'wait', 'see what'].some(word => step.startsWith(word))
  // Each of the others is followed by a whole deploy: half of them in an ordinary run, by the seed.
  const moments = all.filter(([step], i) => long || begins(step) || i % 2 === seed % 2)
  for (const [step, after] of moments) {
    const release = begins(step) || step === 'migrate' ? current : await newer()
    // So that there is something to replace each time.
    const deploy = production.start('deploy', release, ...(step.startsWith('replace') ? ['--recreate'] : []))
    await eventually(() => expect(deploy.output).toContain(`- ${step} ...`), { timeout: 120_000, interval: 5 })
    await new Promise(resolve => setTimeout(resolve, after))
    deploy.child.kill('SIGKILL')
    expect((await deploy.ended).signal, deploy.output).toBe('SIGKILL')
    if (!begins(step)) await deploys(production, release)
  }
  console.log(`deploy killed in: ${moments.map(([step]) => step).join(', ')} (TEST_SEED=${seed})`)
  await deploys(production, await newer())
  expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_notes' })
  expect(await images(production)).toEqual(Array(2).fill(await imageOf(production, await newer())))
})
