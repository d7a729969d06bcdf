// docker/compose.gate.yml and docker/proxies/caddy.yml on top of the real stack, with an app that has no gate of its own: the
// gate's service starts it, and the proxy asks the gate at every moment after that.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { eventually } from '../../helpers/eventually.ts'
import { root } from '../scenario/project.ts'
import { test } from '../scenario/stack.ts'
import { migrator } from '../scenario/steps.ts'

const files = ['-f', 'docker/compose.gate.yml', '-f', 'docker/proxies/caddy.yml']

/** It answers everything, whatever the database holds. */
const ungated = `require('node:http').createServer((_, response) => response.end('served')).listen(8000)`

describe('the gate as a service of the stack', () => {
  test('starts the app once the database matches, and lets the proxy serve only while it does', async ({ stack }) => {
    const settings = await mkdtemp(join(tmpdir(), 'schemagate-settings-'))
    onTestFinished(() => rm(settings, { recursive: true, force: true }))
    // longer than the ten seconds that an engine gives a container to end
    await writeFile(join(settings, '.env'), 'GATE_DRAIN=12s\n')
    const compose = (...args: string[]) => stack.compose(...files, '--env-file', join(settings, '.env'), ...args)
    await stack.override({
      app: { entrypoint: ['node', '-e', ungated], healthcheck: { disable: true } },
      migrator: { command: ['status'] },
    })
    const answer = async () => {
      const response = await fetch(stack.url)
      return { status: response.status, text: await response.text() }
    }

    // The migrator runs nothing: without the gate the app would start.
    const built = await compose('up', '--build', '--detach', 'gate', 'proxy', '--no-deps')
    expect(built.exitCode, built.stderr).toBe(0)
    await eventually(async () => expect((await stack.container('gate'))?.status).toBe('running'), { timeout: 60_000 })
    expect((await compose('up', '--detach', '--wait', 'postgres')).exitCode).toBe(0)
    await eventually(async () => expect(await answer()).toMatchObject({ status: 503 }), { timeout: 60_000 })
    expect((await stack.container('gate'))?.health).not.toBe('healthy')
    const starting = compose('up', '--detach', 'app')

    await migrator(stack, 0, 'up')
    const { exitCode, stderr } = await starting
    expect(exitCode, stderr).toBe(0)
    await eventually(async () => expect(await answer()).toEqual({ status: 200, text: 'served' }), { timeout: 60_000 })
    expect((await stack.container('gate'))?.health).toBe('healthy')
    const [app, gate] = [(await stack.container('app'))!, (await stack.container('gate'))!]
    expect(app.startedAt).toBeGreaterThan(gate.startedAt)

    await compose('stop', 'gate')
    expect((await stack.container('gate'))?.exitCode).toBe(0)
    await compose('start', 'gate')
    await eventually(async () => expect((await answer()).status).toBe(200), { timeout: 60_000 })

    await stack.sql('drop schema schemagate cascade')
    expect(await answer()).toMatchObject({ status: 503, text: expect.stringContaining('"state":') })
    await compose('restart', 'app')
    expect((await answer()).status).toBe(503)
  })

  test('every proxy has a file that asks /ready, and leaves the app no port of its own', async () => {
    for (const name of ['caddy', 'nginx', 'traefik']) {
      const text = await readFile(join(root, `docker/proxies/${name}.yml`), 'utf8')
      const { services } = parse(text, { logLevel: 'error' })
      expect(services.app.ports, name).toEqual([])
      const [mounted] = services.proxy.volumes[0].split(':')
      expect(await readFile(join(root, mounted), 'utf8'), name).toContain('/ready')
    }
  })
})
