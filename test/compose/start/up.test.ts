// Scenarios of `docker compose up`: what a migrated database, a second run and a broken migration lead to.

import { describe, expect } from 'vitest'
import { registerAndLogIn } from '../scenario/client.ts'
import { type Stack, test } from '../scenario/stack.ts'

/** The last line of the migrator's latest run. */
async function lastRun(stack: Stack) {
  return (await stack.logs('migrator')).findLast(line => line.event === 'run')
}

async function up(stack: Stack): Promise<void> {
  const { exitCode, stderr } = await stack.compose('up', '--detach', '--wait')
  expect(exitCode, stderr).toBe(0)
}

describe('docker compose up', () => {
  test('migrates an empty volume and only then starts the app, which registers and logs in', async ({ stack }) => {
    await up(stack)
    const [postgres, migrator, app] = await Promise.all(['postgres', 'migrator', 'app'].map(stack.container))
    expect(migrator).toMatchObject({ status: 'exited', exitCode: 0 })
    expect(app).toMatchObject({ status: 'running', health: 'healthy' })
    expect(migrator?.startedAt).toBeGreaterThan(postgres?.startedAt ?? Number.NaN)
    expect(app?.startedAt).toBeGreaterThan(migrator?.finishedAt ?? Number.NaN)

    const health = await fetch(`${stack.url}/health`)
    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({ status: 'healthy', database: 'connected', schema: 'ready' })
    await registerAndLogIn(stack.url)
  })

  test('applies nothing the second time, and keeps the data', async ({ stack }) => {
    await up(stack)
    const first = await lastRun(stack)
    expect(first).toMatchObject({ exitCode: 0, applied: expect.any(Number) })
    expect(first?.applied).toBeGreaterThan(0)
    await registerAndLogIn(stack.url)

    const before = await stack.container('migrator')
    await up(stack)
    expect((await stack.container('migrator'))?.startedAt).toBeGreaterThan(before?.startedAt ?? Number.NaN)
    expect(await lastRun(stack)).toMatchObject({ exitCode: 0, applied: 0 })

    expect((await stack.compose('down')).exitCode).toBe(0)
    await up(stack)
    expect(await lastRun(stack)).toMatchObject({ exitCode: 0, applied: 0 })
    await expect(registerAndLogIn(stack.url)).rejects.toThrow('409')
  })

  test('never starts the app when a migration fails, and does once it is mended', async ({ stack }) => {
    await stack.migrations({
      '9000_broken.sql': '-- migrate:up\ncreate table broken (id int);\nselect no_such_column from users;\n',
    })
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).not.toBe(0)
    expect(await stack.container('migrator')).toMatchObject({ status: 'exited', exitCode: 5 })
    expect(await lastRun(stack)).toMatchObject({ exitCode: 5 })
    expect(await stack.container('app')).toMatchObject({ status: 'created', startedAt: 0 })
    expect(await stack.isPortOpen()).toBe(false)

    await stack.migrations({})
    await up(stack)
    expect((await fetch(`${stack.url}/health`)).status).toBe(200)
  })
})
