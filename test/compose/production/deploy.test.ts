// Scenarios of `npm run deploy` and `restore` on the real production stack: no request fails, whatever comes of a release.

import { describe, expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { registerAndLogIn } from '../scenario/client.ts'
import { breaking, current, failing, newer, type Release, stuck, stuckBreaking } from '../scenario/releases.ts'
import { type Production, test } from './fixture.ts'
import { beginLoad } from './load.ts'

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

// Several releases each, one after the other: on a slow machine that takes its time.
describe('deploy', { timeout: 900_000 }, () => {
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

    const serving = await images(production)
    const bad = await beginLoad(production.url)
    const failed = await production.run('deploy', await failing())
    expect(failed.code, failed.output).toBe(5)
    expect(failed.output).toContain('the release of before still serves')
    expect(failed.output).toContain('9002_fails')
    const never = await production.run('deploy', await stuck(), '--patience', '12')
    await bad.verdict('a deploy whose migration fails, and one whose app never gets healthy')
    expect(never.code, never.output).toBe(1)
    expect(never.output).toContain('serves again')
    expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_notes' })
    expect(await images(production)).toEqual(serving)
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
    // However long it stays so: to Docker the replicas are unhealthy by then, until the next deploy has migrated.
    const healthOf = ['inspect', '--format', '{{.State.Health.Status}}', app?.Id ?? '']
    await eventually(async () => expect((await production.docker(...healthOf)).stdout.trim()).toBe('unhealthy'), {
      timeout: 90_000,
    })

    await deploys(production, await breaking())
    expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_moment' })
    expect((await production.run('restore', await breaking(), '--list')).output).toContain('before-restore')

    // Past a breaking migration there is no way back to the app of before but its backup, and it is said.
    const never = await production.run('deploy', await stuckBreaking(), '--patience', '12')
    expect(never.code, never.output).toBe(1)
    expect(never.output).toContain('before-9002_again.dump')
    expect(never.output).toMatch(/cannot be put back[\s\S]*9002_again[\s\S]*npm run restore/)
    expect((await fetch(`${production.url}/api/v1/tickets`)).status).toBe(503)
  })

  test('killed at any of its steps is finished by the next one', async ({ production }) => {
    // How far into each step, in milliseconds: a replica is stopped for three seconds before it is replaced.
    const moments: [step: string, after: number][] = [
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
    for (const [step, after] of moments) {
      const begins = ['check', 'get', 'wait', 'see what'].some(word => step.startsWith(word))
      const release = begins || step === 'migrate' ? current : await newer()
      // So that there is something to replace each time.
      const deploy = production.start('deploy', release, ...(step.startsWith('replace') ? ['--recreate'] : []))
      await eventually(() => expect(deploy.output).toContain(`- ${step} ...`), { timeout: 120_000, interval: 5 })
      await new Promise(resolve => setTimeout(resolve, after))
      deploy.child.kill('SIGKILL')
      expect(await deploy.ended, deploy.output).toBeNull()
      if (!begins) await deploys(production, release)
    }
    console.log(`deploy killed at ${moments.length} moments of its steps, and finished by the next one`)
    expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_notes' })
    expect(await images(production)).toEqual(Array(2).fill(await imageOf(production, await newer())))
  })
})
