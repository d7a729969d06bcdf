// docker/schemagate.service: what it runs at boot, on a stack that an engine has started without the migrator.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect } from 'vitest'
import { $ } from 'zx'
import { releaseRecord } from '../../../scripts/release/record.ts'
import { eventually } from '../../helpers/eventually.ts'
import { type Production, test } from '../production/fixture.ts'
import { deploys, health, shortTimeout } from '../production/steps.ts'
import { registerAndLogIn } from '../scenario/client.ts'
import { environment, root } from '../scenario/project.ts'
import { current, stuck } from '../scenario/releases.ts'

const unit = join(root, 'docker/schemagate.service')
const analyzer = '/usr/bin/systemd-analyze'

test('the unit is one that systemd understands', async ({ skip }) => {
  if (!existsSync(analyzer)) skip('there is no systemd-analyze')
  const { exitCode, stderr } = await $({ quiet: true, nothrow: true })`${analyzer} verify ${unit}`
  // it reads the machine's other units as well, and complains of those
  expect(stderr.split('\n').filter(line => line.includes(basename(unit)))).toEqual([])
  expect(exitCode).toBe(0)
})

test('after a reboot that lost the database, nothing is served before the unit has migrated it', async ({
  production,
}) => {
  const { code, output } = await production.run('deploy', current)
  expect(code, output).toBe(0)
  const services = ['postgres', 'app', 'app-2', 'proxy']
  const before = await idsOf(production, services)

  // Power is lost; the volume comes back empty; the engine starts what ran, but not the one-shot.
  await production.docker('kill', ...before)
  const [postgres = ''] = before
  await production.docker('start', postgres)
  await eventually(() => production.sql('select 1'))
  await production.docker(
    ...['exec', postgres, 'sh', '-c'],
    'psql -U "$POSTGRES_USER" -d postgres -c "drop database $POSTGRES_DB" -c "create database $POSTGRES_DB"',
  )
  await production.docker('start', ...before)
  await eventually(async () => expect(await asked(production)).toBe(503), { timeout: 30_000 })

  const settings = await settingsOf(production)
  await boots(settings)
  await registerAndLogIn(production.url)
  expect(await idsOf(production, services), 'nothing was replaced').toEqual(before)

  expect((await run('ExecStop', settings)).exitCode).toBe(0)
  expect(await asked(production)).toBeUndefined()
})

test('after a deploy that put the old app back, the unit brings back what was serving', async ({ production }) => {
  await deploys(production, current)
  // Its migration stays, and the release that was deployed last can live with it.
  const never = await production.run('deploy', await stuck(), ...shortTimeout)
  expect(never.output).toContain('serves again')
  expect(await production.sql('select count(*) from notes')).toBe('0')

  const settings = await settingsOf(production)
  expect((await run('ExecStop', settings)).exitCode).toBe(0)
  await boots(settings)
  expect(await health(production)).toMatchObject({ status: 200, state: 'open' })
})

/** What systemd reads, and what a real stack has in .env. */
async function settingsOf(production: Production): Promise<NodeJS.Dict<string>> {
  return {
    ...parseEnv(await readFile(releaseRecord(production.project), 'utf8')),
    SECRETS_DIR: production.folder,
    APP_PORT: new URL(production.url).port,
  }
}

async function boots(settings: NodeJS.Dict<string>): Promise<void> {
  for (const key of ['ExecStartPre', 'ExecStart'] as const) {
    const started = await run(key, settings)
    expect(started.exitCode, started.stderr).toBe(0)
  }
}

async function idsOf(production: Production, services: readonly string[]): Promise<string[]> {
  const containers = await Promise.all(services.map(production.inspect))
  return containers.map(([container]) => container?.Id ?? '')
}

/** The status of a request that needs the schema; undefined if nothing answers. */
function asked({ url }: Production): Promise<number | undefined> {
  return fetch(`${url}/api/v1/tickets`).then(
    ({ status }) => status,
    () => undefined,
  )
}

/** Runs a command of the unit as systemd would: in the repository, with the variables of its EnvironmentFile. */
async function run(key: 'ExecStartPre' | 'ExecStart' | 'ExecStop', variables: NodeJS.Dict<string>) {
  const [, line = ''] = new RegExp(`^${key}=(.*)$`, 'm').exec(await readFile(unit, 'utf8')) ?? []
  const env = { ...environment, AUTH_RATE_LIMIT: '0', COMPOSE_ENV_FILES: '/dev/null', ...variables }
  return $({ cwd: root, env, quiet: true, nothrow: true })`${line.split(' ')}`
}
