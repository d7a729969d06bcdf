// Scenarios of `npm run deploy` on the real production stack: no request fails, whatever comes of a release.

import { expect } from 'vitest'
import { current, failing, newer, stuck } from '../scenario/releases.ts'
import { test } from './fixture.ts'
import { beginLoad } from './load.ts'
import { deploys, health, imageOf, images, shortTimeout, timeout } from './steps.ts'

test('a deploy fails no request, whether the release is good, its migration fails, or its app never gets healthy', {
  timeout,
}, async ({ production }) => {
  expect(await deploys(production, current)).toContain('6 applied')
  expect((await production.run('deploy', await newer(), '--dry-run')).output).toMatch(
    /9001_notes[\s\S]*nothing was changed/,
  )
  expect(await images(production)).toEqual(Array(2).fill(await imageOf(production, current)))

  const good = await beginLoad(production.url)
  const output = await deploys(production, await newer())
  await good.verdict('a deploy with an additive migration and a new app')
  expect(output).toContain('9001_notes')
  expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_notes' })
  expect(await images(production)).toEqual(Array(2).fill(await imageOf(production, await newer())))

  const serving = await images(production)
  const bad = await beginLoad(production.url)
  const failed = await production.run('deploy', await failing())
  expect(failed.code, failed.output).toBe(5)
  expect(failed.output).toContain('the previous release is still serving')
  expect(failed.output).toContain('9002_fails')
  const never = await production.run('deploy', await stuck(), ...shortTimeout)
  await bad.verdict('a deploy whose migration fails, and one whose app never gets healthy')
  expect(never.code, never.output).toBe(1)
  expect(never.output).toContain('serves again')
  expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_notes' })
  expect(await images(production)).toEqual(serving)
})
