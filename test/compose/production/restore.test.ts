// Scenarios of backups: taken before what cannot be undone, and the way back to one of them.

import { expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { registerAndLogIn } from '../scenario/client.ts'
import { breaking, current, stuckBreaking } from '../scenario/releases.ts'
import { test } from './fixture.ts'
import { deploys, health, patience, timeout } from './steps.ts'

test('a deploy backs up before what cannot be undone, and restore brings the stack back to it', { timeout }, async ({
  production,
}) => {
  // Docker takes three answers for `unhealthy`: it asks every two seconds here.
  const oftener = { healthcheck: { interval: '2s' } }
  const overlay = ['--file', await production.overlay({ app: oftener, 'app-2': oftener })]
  await deploys(production, current, ...overlay)
  const email = 'before@example.com'
  await registerAndLogIn(production.url, email)
  const output = await deploys(production, await breaking(), ...overlay)
  const [, dump = ''] = /(\S+before-9001_moment)\.dump/.exec(output) ?? []
  expect(dump, output).not.toBe('')
  await registerAndLogIn(production.url, 'after@example.com')

  expect((await production.run('restore', await breaking(), '--from', dump)).code).toBe(2)
  expect((await production.run('restore', await breaking(), '--list')).output).toContain(dump)
  const restored = await production.run('restore', await breaking(), '--from', dump, '--yes', ...overlay)
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

  await deploys(production, await breaking(), ...overlay)
  expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_moment' })
  expect((await production.run('restore', await breaking(), '--list')).output).toContain('before-restore')

  // Past a breaking migration there is no way back to the app of before but its backup, and it is said.
  const never = await production.run('deploy', await stuckBreaking(), ...patience, ...overlay)
  expect(never.code, never.output).toBe(1)
  expect(never.output).toContain('before-9002_again.dump')
  expect(never.output).toMatch(/cannot be put back[\s\S]*9002_again[\s\S]*npm run restore/)
  expect((await fetch(`${production.url}/api/v1/tickets`)).status).toBe(503)
})
