// What the compose file gives to whom: the app never holds the owner's password, and .env.example is the defaults.

import { describe, expect } from 'vitest'
import { $ } from 'zx'
import { environment, root } from '../scenario/project.ts'
import { test } from '../scenario/stack.ts'

describe('the compose file', () => {
  test('gives the app a role of its own and never the owner’s password', async ({ stack }) => {
    const config = (await stack.compose('config', '--format', 'json')).json<Config>()
    const { app, migrator, postgres } = config.services
    const owner = postgres?.environment.POSTGRES_PASSWORD
    expect(owner).toBeTruthy()
    expect(migrator?.environment.PGPASSWORD).toBe(owner)
    expect(Object.values(app?.environment ?? {})).not.toContain(owner)
    expect(app?.environment.PGUSER).toBe(migrator?.environment.SCHEMAGATE_APP_ROLE)
    expect(app?.environment.PGUSER).not.toBe(postgres?.environment.POSTGRES_USER)
  })

  test('does not publish the port of Postgres', async ({ stack }) => {
    const config = (await stack.compose('config', '--format', 'json')).json<Config>()
    expect(config.services.postgres?.ports).toBeUndefined()
    expect(config.services.app?.ports).toMatchObject([{ host_ip: '127.0.0.1', target: 8000 }])
  })

  test('has as its defaults what .env.example says', async ({ stack }) => {
    const { IMAGE_TAG: _, ...env } = environment
    const settled = async (file: string) => {
      const args = ['--env-file', file, '-p', stack.project, '-f', 'docker-compose.yml', 'config', '--format', 'json']
      return (await $({ cwd: root, env })`docker compose ${args}`).json<Config>()
    }
    expect(await settled('.env.example')).toEqual(await settled('/dev/null'))
  })
})

interface Config {
  services: Record<string, { environment: Record<string, string>; ports?: object[] } | undefined>
}
