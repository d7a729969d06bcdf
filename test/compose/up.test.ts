// Scenarios of `docker compose up`: what a migrated database, a second run and a broken migration lead to.

import { describe, expect } from 'vitest'
import { registerAndLogIn } from './client.ts'
import { type Stack, test } from './stack.ts'

/** The last line of the migrator's latest run. */
async function lastRun(stack: Stack) {
  return (await stack.logs('migrator')).findLast(line => line.event === 'run')
}

describe('docker compose up', () => {
  test('brings up a healthy app on an empty volume, which registers and logs in', async ({ stack }) => {
    const up = await stack.compose('up', '--detach', '--wait')
    expect(up.exitCode, up.stderr).toBe(0)
    expect(await stack.container('app')).toMatchObject({ status: 'running', health: 'healthy' })

    const health = await fetch(`${stack.url}/health`)
    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({ status: 'healthy', database: 'connected', schema: 'ready' })
    await registerAndLogIn(stack.url)
  })

  test('starts the app only after the migrator has finished', async ({ stack }) => {
    const up = await stack.compose('up', '--detach', '--wait')
    expect(up.exitCode, up.stderr).toBe(0)
    const [postgres, migrator, app] = await Promise.all(['postgres', 'migrator', 'app'].map(stack.container))
    expect(migrator).toMatchObject({ status: 'exited', exitCode: 0 })
    expect(migrator?.startedAt).toBeGreaterThan(postgres?.startedAt ?? Number.NaN)
    expect(app?.startedAt).toBeGreaterThan(migrator?.finishedAt ?? Number.NaN)
  })

  test('applies nothing the second time', async ({ stack }) => {
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).toBe(0)
    const first = await lastRun(stack)
    expect(first).toMatchObject({ exitCode: 0, applied: expect.any(Number) })
    expect(first?.applied).toBeGreaterThan(0)

    const before = await stack.container('migrator')
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).toBe(0)
    expect((await stack.container('migrator'))?.startedAt).toBeGreaterThan(before?.startedAt ?? Number.NaN)
    expect(await lastRun(stack)).toMatchObject({ exitCode: 0, applied: 0 })
  })

  test('keeps what was registered across down and up', async ({ stack }) => {
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).toBe(0)
    await registerAndLogIn(stack.url)
    expect((await stack.compose('down')).exitCode).toBe(0)
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).toBe(0)
    await expect(registerAndLogIn(stack.url)).rejects.toThrow('409')
  })
})

describe('a migration that fails', () => {
  const broken = {
    '9000_broken.sql': '-- migrate:up\ncreate table broken (id int);\nselect no_such_column from users;\n',
  }

  test('ends up with an error, the app never started, its port closed', async ({ stack }) => {
    await stack.migrations(broken)
    const up = await stack.compose('up', '--detach', '--wait')
    expect(up.exitCode).not.toBe(0)
    expect(await stack.container('migrator')).toMatchObject({ status: 'exited', exitCode: 5 })
    expect(await stack.container('app')).toMatchObject({ status: 'created', startedAt: 0 })
    expect(await stack.isPortOpen()).toBe(false)
    expect(await lastRun(stack)).toMatchObject({ exitCode: 5 })
  })

  test('is followed by a healthy app once it is mended', async ({ stack }) => {
    await stack.migrations(broken)
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).not.toBe(0)
    await stack.migrations({})
    const up = await stack.compose('up', '--detach', '--wait')
    expect(up.exitCode, up.stderr).toBe(0)
    expect((await fetch(`${stack.url}/health`)).status).toBe(200)
  })
})
