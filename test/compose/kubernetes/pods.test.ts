// The objects of docker/kubernetes, run: podman starts the pods, their Postgres is a stack's.

import { describe, expect } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { eventually } from '../../helpers/eventually.ts'
import { values } from '../../helpers/kubernetes.ts'
import { registerAndLogIn } from '../scenario/client.ts'
import { accepts } from '../scenario/stack.ts'
import { type Pods, test } from './fixture.ts'

/** Waits until the app of this pod answers its readiness probe's question with yes. */
async function ready(port: number): Promise<void> {
  await eventually(
    async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health`)
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ status: 'healthy', database: 'connected', schema: 'ready' })
    },
    { timeout: 60_000, interval: 100 },
  )
}

/** The last line of the migrator's run in this pod. */
async function lastRun(pods: Pods, pod: string) {
  return (await pods.logs(pod, 'migrator')).findLast(({ event }) => event === 'run')
}

async function isConfined(pods: Pods, pod: string): Promise<void> {
  const container = await pods.container(pod, 'app')
  expect(container).toMatchObject({
    status: 'running',
    user: '1000:1000',
    readOnly: true,
    effectiveCapabilities: [],
  })
  for (const secret of Object.values(values.secrets)) expect(container?.environment.join()).not.toContain(secret)
}

describe('the migrator as an init container', () => {
  test('of two pods that start at once migrates once, and both serve', async ({ pods, stack }) => {
    const objects = await pods.render('init')
    const ports = [await freePort(), await freePort()] as const
    const played = await Promise.all(
      ports.map((port, index) => pods.play(objects, { kind: 'Deployment', name: `app-${index}`, port })),
    )
    for (const { exitCode, stderr } of played) expect(exitCode, stderr).toBe(0)
    for (const port of ports) await ready(port)
    await registerAndLogIn(`http://127.0.0.1:${ports[0]}`, 'ada@example.com')
    await registerAndLogIn(`http://127.0.0.1:${ports[1]}`, 'grace@example.com')
    await isConfined(pods, 'app-0')
    const runs = await Promise.all(['app-0', 'app-1'].map(pod => lastRun(pods, pod)))
    const migrations = Number(await stack.sql('select count(*) from schemagate.ledger'))
    expect(runs.map(run => run?.applied).toSorted()).toEqual([0, migrations])

    // A pod that comes later, or again, has nothing to migrate.
    await pods.remove('app-1')
    const { exitCode, stderr } = await pods.play(objects, { kind: 'Deployment', name: 'app-2', port: ports[1] })
    expect(exitCode, stderr).toBe(0)
    expect(await lastRun(pods, 'app-2')).toMatchObject({ exitCode: 0, applied: 0 })
    await ready(ports[1])
  })

  test('keeps the app from starting when a migration fails, and lets it start once that is mended', async ({
    pods,
  }) => {
    const objects = await pods.render('init')
    const port = await freePort()
    const migrations = await pods.migrationsWith(
      '9000_broken.sql',
      '-- migrate:up\ncreate table broken (id int);\nselect no_such_column from users;\n',
    )
    const { exitCode } = await pods.play(objects, { kind: 'Deployment', port, migrations })
    expect(exitCode).not.toBe(0)
    expect(await pods.container('app', 'migrator')).toMatchObject({ status: 'exited', exitCode: 5 })
    expect(await lastRun(pods, 'app')).toMatchObject({ exitCode: 5 })
    expect(await pods.container('app', 'app')).toMatchObject({ status: 'created' })
    expect(await accepts(port)).toBe(false)

    await pods.remove('app')
    expect(await pods.play(objects, { kind: 'Deployment', port })).toMatchObject({ exitCode: 0 })
    await ready(port)
  })
})

describe('the migrator as a Job', () => {
  test('is waited for by the pod, which then serves', async ({ pods }) => {
    const objects = await pods.render('job')
    const port = await freePort()
    const played = pods.play(objects, { kind: 'Deployment', port })
    const waiting = await eventually(
      async () => {
        const line = (await pods.logs('app', 'wait')).find(({ event }) => event === 'waiting')
        expect(line, 'the pod does not wait').toBeDefined()
        return line
      },
      { timeout: 60_000, interval: 100 },
    )
    // Before the first run the app has no login.
    expect(waiting?.msg).toContain('28P01')
    expect(await pods.container('app', 'wait')).toMatchObject({ status: 'running' })
    expect(await pods.container('app', 'app')).toMatchObject({ status: 'created' })
    expect(await accepts(port)).toBe(false)

    expect(await pods.play(objects, { kind: 'Job' })).toMatchObject({ exitCode: 0 })
    expect(await pods.wait('migrator-test', 'migrator')).toBe(0)
    const { exitCode, stderr } = await played
    expect(exitCode, stderr).toBe(0)
    await ready(port)
    await registerAndLogIn(`http://127.0.0.1:${port}`)
    await isConfined(pods, 'app')
  })
})
