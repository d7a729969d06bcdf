// docker/compose.prestart.yml, as far as a Compose before 5.3 can tell: that it is refused there rather than run without
// its gate, what is left of the stack without the step, and that the step, run by hand in the container that the
// documentation describes (the app's environment with the step's on top, the image's own entrypoint, the app's networks:
// https://docs.docker.com/reference/compose-file/services/#pre_start), lets that app serve.
// Not proven: that Compose 5.3 takes the file, and runs the step before the app and never the app after a failed step.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { parse, parseDocument } from 'yaml'
import { registerAndLogIn } from '../scenario/client.ts'
import { root } from '../scenario/project.ts'
import { test as base, type Stack } from '../scenario/stack.ts'
import { migrator, succeeds } from '../scenario/steps.ts'

const file = join(root, 'docker/compose.prestart.yml')

/** What the documentation of 5.3 lets a step have. */
const documented = ['command', 'environment', 'image', 'per_replica', 'privileged', 'user', 'working_dir']

interface Service {
  readonly image: string
  readonly command?: string[]
  readonly environment: Record<string, string>
  readonly depends_on?: Record<string, object>
}

interface Prestart {
  /** The overlay without the step. */
  readonly rest: string
  /** The overlay with the step as a service of its own, so that any Compose reads it. */
  readonly apart: string
}

const test = base.extend('prestart', async ({ stack: _ }, { onCleanup }): Promise<Prestart> => {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-prestart-'))
  onCleanup(() => rm(folder, { recursive: true, force: true }))
  const document = parseDocument(await readFile(file, 'utf8'), asWritten)
  const step = document.getIn(['services', 'app', 'pre_start', 0], true)
  document.deleteIn(['services', 'app', 'pre_start'])
  const [rest, apart] = [join(folder, 'rest.yml'), join(folder, 'apart.yml')]
  await writeFile(rest, document.toString())
  document.setIn(['services', 'step'], step)
  await writeFile(apart, document.toString())
  return { rest, apart }
})

/** Compose's own tag `!reset` is kept as it is. */
const asWritten = { logLevel: 'error' } as const

async function servicesOf(stack: Stack, ...args: string[]): Promise<Record<string, Service>> {
  const { exitCode, stdout, stderr } = await stack.compose(...args, 'config', '--format', 'json')
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout).services
}

describe('compose.prestart.yml', () => {
  test('is refused by a Compose that does not know pre_start, which would start the app ungated', async ({
    stack,
    skip,
  }) => {
    const [major = 0, minor = 0] = (await stack.compose('version', '--short')).stdout.split('.').map(Number)
    if (major > 5 || (major === 5 && minor >= 3)) skip('this Compose knows pre_start')
    const { exitCode, stderr } = await stack.compose('-f', file, 'config', '--quiet')
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain('pre_start')
  })

  test('has one step, with nothing but what is documented, and nothing beside it that migrates', async ({
    stack,
    prestart,
  }) => {
    const { services } = parse(await readFile(file, 'utf8'), asWritten)
    expect(services.app.pre_start).toHaveLength(1)
    expect(documented).toEqual(expect.arrayContaining(Object.keys(services.app.pre_start[0])))
    const { app, ...others } = await servicesOf(stack, '-f', prestart.rest)
    expect(Object.keys(others)).toEqual(['postgres'])
    expect(Object.keys(app!.depends_on!)).toEqual(['postgres'])
  })

  test('has a step that migrates, and an app that then serves', async ({ stack, prestart }) => {
    const { app, step } = await servicesOf(stack, '-f', prestart.apart)
    const environment = { ...app!.environment, ...step!.environment }
    await stack.override({ step: { ...step, environment } })
    await succeeds(stack, '-f', prestart.rest, 'up', '--detach', '--wait', 'postgres')
    await succeeds(stack, 'run', '--rm', '-T', 'step')
    await succeeds(stack, '-f', prestart.rest, 'up', '--detach', '--wait', 'app')
    expect(await stack.container('migrator'), 'the service that the step replaces').toBeUndefined()
    await registerAndLogIn(stack.url)
    // The same migrator can still be asked by hand.
    await migrator(stack, 0, 'check')
  })
})
