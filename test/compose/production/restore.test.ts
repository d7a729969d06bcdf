// Scenarios of backups: taken before what cannot be undone, and the way back to one of them.

import { expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { registerAndLogIn } from '../scenario/client.ts'
import { breaking, current, stuckBreaking } from '../scenario/releases.ts'
import { test } from './fixture.ts'
import { deploys, health, shortTimeout, timeout } from './steps.ts'

test('a deploy backs up before what cannot be undone, and restore brings the stack back to it', { timeout }, async ({
  production,
}) => {
  // Docker takes three answers for `unhealthy`: it asks every two seconds here.
  const oftener = { healthcheck: { interval: '2s' } }
  const overlay = ['--file', await production.overlay({ app: oftener, 'app-2': oftener })]
  await deploys(production, current, ...overlay)
  const email = 'before@example.com'
  await registerAndLogIn(production.url, email)
  const settings = `select string_agg(one, ',' order by one) from pg_db_role_setting, unnest(setconfig) as one where setdatabase = (select oid from pg_database where datname = current_database())`
  const temporary = `select has_database_privilege('public', current_database(), 'temporary')`
  await production.sql(`do $$ begin
    execute format('alter database %I set work_mem to %L', current_database(), '7MB');
    execute format('alter role current_user in database %I set search_path to public, pg_catalog', current_database());
    execute format('revoke temporary on database %I from public', current_database()); end $$`)
  expect(await production.sql(settings)).toBe('search_path=public, pg_catalog,work_mem=7MB')
  const output = await deploys(production, await breaking(), ...overlay)
  const [, dump = ''] = /(\S+before-9001_moment)\.dump/.exec(output) ?? []
  expect(dump, output).not.toBe('')
  await registerAndLogIn(production.url, 'after@example.com')

  expect((await production.run('restore', await breaking(), '--from', dump)).code).toBe(2)
  expect((await production.run('restore', undefined, '--list')).output).toContain(dump)
  const restored = await production.run('restore', await breaking(), '--from', dump, '--yes', ...overlay)
  expect(restored.code, restored.output).toBe(0)
  expect(restored.output).toContain('wants 1 migration more')
  expect(await production.sql('select string_agg(email, $$,$$) from users')).toBe(email)
  // what belongs to the database itself
  expect(await production.sql(settings)).toBe('search_path=public, pg_catalog,work_mem=7MB')
  expect(await production.sql(temporary)).toBe('f')
  // The gates have noticed. The proxy passes their own answer on, and does not keep it waiting for a replica that serves.
  const ask = (path: string) => fetch(production.url + path, { signal: AbortSignal.timeout(3_000) })
  await eventually(async () => expect((await ask('/api/v1/tickets')).status).toBe(503))
  const refused = await ask('/api/v1/tickets')
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    'content-type': expect.stringContaining('application/problem+json'),
    'retry-after': expect.stringMatching(/^\d+$/),
  })
  expect(await refused.text()).not.toContain('No replica')
  expect(await (await ask('/health')).json()).toMatchObject({ schema: 'behind', gate: { missing: ['9001_moment'] } })
  const [app] = await production.inspect('app')
  // However long it stays so: to Docker the replicas are unhealthy by then, until the next deploy has migrated.
  const healthOf = ['inspect', '--format', '{{.State.Health.Status}}', app?.Id ?? '']
  await eventually(async () => expect((await production.docker(...healthOf)).stdout.trim()).toBe('unhealthy'), {
    timeout: 90_000,
  })

  await deploys(production, await breaking(), ...overlay)
  expect(await health(production)).toMatchObject({ status: 200, state: 'open', head: '9001_moment' })
  expect((await production.run('restore', await breaking(), '--list')).output).toContain('before-restore')

  // Past a breaking migration the only way back to the previous app is the backup, and the message says so.
  const never = await production.run('deploy', await stuckBreaking(), ...shortTimeout, ...overlay)
  expect(never.code, never.output).toBe(1)
  expect(never.output).toContain('before-9002_again.dump')
  expect(never.output).toMatch(/cannot be put back[\s\S]*9002_again[\s\S]*npm run restore/)
  expect((await fetch(`${production.url}/api/v1/tickets`)).status).toBe(503)
})
