// Scenarios of `npm run deploy` and `restore` on the real production stack: no request fails, whatever comes of a release.

import { describe, expect } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { registerAndLogIn } from './client.ts'
import { beginLoad } from './load.ts'
import { type Production, test } from './production.ts'
import { breaking, current, failing, newer, type Release, stuck } from './releases.ts'

async function deploys(production: Production, release: Release, ...args: string[]): Promise<string> {
  const { code, output } = await production.run('deploy', release, ...args)
  expect(code, output).toBe(0)
  return output
}

async function health(production: Production): Promise<{ status: number; state: string; head: string }> {
  const response = await fetch(`${production.url}/health`)
  const { gate }: { gate?: { state: string; head: string } } = JSON.parse(await response.text())
  return { status: response.status, state: gate?.state ?? 'none', head: gate?.head ?? 'none' }
}

/** The images that the replicas run. */
async function images(production: Production): Promise<(string | undefined)[]> {
  const replicas = await Promise.all(['app', 'app-2'].map(replica => production.inspect(replica)))
  return replicas.map(([container]) => container?.Image)
}

async function imageOf(production: Production, { app }: Release): Promise<string> {
  return (await production.docker('image', 'inspect', '--format', '{{.Id}}', app.image)).stdout.trim()
}

describe('deploy', () => {
  test('fails no request, whether the release is good, its migration fails, or its app never gets healthy', async ({
    production,
  }) => {
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

    const bad = await beginLoad(production.url)
    const failed = await production.run('deploy', await failing())
    expect(failed.code, failed.output).toBe(5)
    expect(failed.output).toContain('the release of before still serves')
    expect(failed.output).toContain('9002_fails')
    const never = await production.run('deploy', await stuck(false), '--patience', '12')
    await bad.verdict('a deploy whose migration fails, and one whose app never gets healthy')
    expect(never.code, never.output).toBe(1)
    expect(never.output).toContain('serves again')
    expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_notes' })
    expect(await images(production)).toEqual(Array(2).fill(await imageOf(production, await newer())))
  })

  test('backs up before what cannot be taken back, and restore brings the stack back to it', async ({ production }) => {
    await deploys(production, current)
    const email = 'before@example.com'
    await registerAndLogIn(production.url, email)
    const output = await deploys(production, await breaking())
    const [, dump = ''] = /(\S+before-9001_moment)\.dump/.exec(output) ?? []
    expect(dump, output).not.toBe('')
    await registerAndLogIn(production.url, 'after@example.com')

    expect((await production.run('restore', await breaking(), '--from', dump)).code).toBe(2)
    expect((await production.run('restore', await breaking(), '--list')).output).toContain(dump)
    const restored = await production.run('restore', await breaking(), '--from', dump, '--yes')
    expect(restored.code, restored.output).toBe(0)
    expect(restored.output).toContain('wants 1 more migrations')
    expect(await production.sql('select string_agg(email, $$,$$) from users')).toBe(email)
    // The gates have noticed, and the proxy says so: whoever asks is refused, and nothing breaks.
    await eventually(async () => expect((await fetch(`${production.url}/api/v1/tickets`)).status).toBe(503))
    const [app] = await production.inspect('app')
    const asked = await production.docker(
      'exec',
      app?.Id ?? '',
      'node',
      '-e',
      `fetch('http://127.0.0.1:8000/health').then(async r => console.log(await r.text()))`,
    )
    expect(JSON.parse(asked.stdout)).toMatchObject({ schema: 'behind', gate: { missing: ['9001_moment'] } })

    await deploys(production, await breaking())
    expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_moment' })
    expect((await production.run('restore', await breaking(), '--list')).output).toContain('before-restore')

    // Past a breaking migration there is no way back to the app of before, and it is said.
    const never = await production.run('deploy', await stuck(true), '--patience', '12')
    expect(never.code, never.output).not.toBe(0)
  })

  test('killed at any of its steps is finished by the next one', async ({ production }) => {
    const steps = [
      'check the setting',
      'get the images',
      'wait for the database',
      'see what is pending',
      'migrate',
      'replace app',
      'replace app-2',
      'see to the proxy',
      'ask it with curl',
    ]
    let killed = 0
    for (const [i, step] of steps.entries()) {
      const release = i < 5 ? current : await newer()
      // From `replace app` on there must be something to replace.
      const args = i >= 5 ? ['--recreate'] : []
      const deploy = production.start('deploy', release, ...args)
      await eventually(() => expect(deploy.output).toContain(`- ${step} ...`), { timeout: 120_000 })
      // In the midst of it, and a little later for each.
      await new Promise(resolve => setTimeout(resolve, 100 * i))
      deploy.child.kill('SIGKILL')
      expect(await deploy.ended).toBeNull()
      killed++
      if (i === 4 || i >= 5) await deploys(production, release)
    }
    console.log(`deploy killed at ${killed} of ${steps.length} steps, and finished each time`)
    expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_notes' })
    expect(await images(production)).toEqual(Array(2).fill(await imageOf(production, await newer())))
  })
})
