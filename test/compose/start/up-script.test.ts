// `npm run up` and `npm run smoke` on Docker: what they say of a stack that did not come up, and what they leave alone.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, expect, inject } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { dockerStack } from '../../../scripts/stack/docker.ts'
import { eventually } from '../../helpers/eventually.ts'
import { type Running, startProcess } from '../../helpers/process.ts'
import { environment, projectPrefix, root } from '../scenario/project.ts'

interface Checkout {
  readonly project: string
  /** Starts a script on Docker, with a compose file that has these services. */
  start(script: 'up' | 'down' | 'smoke', services: object, ...args: string[]): Promise<Running>
}

let count = 0

const test = base.extend('checkout', async ({ skip }, { onCleanup }): Promise<Checkout> => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  const project = `${projectPrefix}${process.pid}-script-${++count}`
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-script-'))
  onCleanup(async () => {
    await dockerStack({ project }).down({ volumes: true })
    await rm(folder, { recursive: true, force: true })
  })
  return {
    project,
    async start(script, services, ...args) {
      const file = join(folder, 'compose.json')
      await writeFile(file, JSON.stringify({ services, volumes: { data: {} } }))
      const port = script === 'up' ? ['--port', `${await freePort()}`] : []
      const line = [`scripts/stack/${script}.ts`, '--docker', '--project', project, ...port, ...args]
      return startProcess([process.execPath, ...line], {
        cwd: root,
        env: { ...environment, COMPOSE_FILE: file },
        endsWith: 'exit',
      })
    },
  }
})

const migrator = (command: string) => ({
  image: 'debian:trixie-slim',
  command: ['sh', '-c', command],
  init: true,
  volumes: ['data:/data'],
})

test('a migrator that failed the last time is not why an image could not be built', async ({ checkout }) => {
  const failed = await (await checkout.start('up', { migrator: migrator('exit 5') })).ended
  expect(failed).toMatchObject({ code: 5, output: expect.stringContaining('The migrator ended with exit code 5') })

  const app = { build: { dockerfile_inline: 'FROM scratch\nNONSENSE\n' } }
  const { code, output } = await (await checkout.start('up', { migrator: migrator('exit 5'), app })).ended
  expect(output).toContain('NONSENSE')
  expect(output).not.toContain('The migrator ended')
  expect(code).toBe(1)
})

test('an interrupted up says so, and how to remove what it has started', async ({ checkout }) => {
  const services = {
    migrator: migrator('sleep 600'),
    app: {
      image: 'debian:trixie-slim',
      command: 'true',
      depends_on: { migrator: { condition: 'service_completed_successfully' } },
    },
  }
  const up = await checkout.start('up', services)
  await eventually(() => expect(up.output).toMatch(/migrator-1 +Started/), { timeout: 60_000 })
  up.child.kill('SIGINT')
  const { code, output } = await up.ended
  expect(output).toContain(`Interrupted. \`npm run down -- --project ${checkout.project}\` removes what was started.`)
  expect(code).toBe(130)
})

test('smoke leaves a stack of that name alone, running or not', async ({ checkout }) => {
  const services = { migrator: migrator('exit 5') }
  await (await checkout.start('up', services)).ended
  const refused = { code: 2, output: expect.stringContaining('has a stack or its data') }
  expect(await (await checkout.start('smoke', services)).ended).toMatchObject(refused)
  await (await checkout.start('down', services)).ended
  expect(await (await checkout.start('smoke', services)).ended).toMatchObject(refused)
  expect(await dockerStack({ project: checkout.project }).hasData()).toBe(true)
})
