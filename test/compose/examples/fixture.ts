// An example's folder as a project of its own: a copy, on a free port, gone afterwards.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject, onTestFinished, type TestContext } from 'vitest'
import { $, type ProcessOutput } from 'zx'
import { environment, projectPrefix, root } from '../scenario/project.ts'
import { type Example, examples } from './examples.ts'

/** Files beside compose.yaml that the project did not have before schemagate. */
const overlay = 'compose.schemagate.yml'

export interface Project {
  readonly folder: string
  /** `docker compose ARGS`; a non-zero exit code is a result, not an exception. */
  compose(...args: string[]): Promise<ProcessOutput>
  /** `schemagate init --yes` in its folder. */
  init(): Promise<ProcessOutput>
  /** From now on the overlay is laid over compose.yaml. */
  gate(): Promise<void>
  /** Breaks the second migration, or brings it back, and builds the images with it. */
  setMigration(state: 'broken' | 'good'): Promise<void>
  /** Where the app answers; undefined while its port is shut. */
  url(): Promise<string | undefined>
  /** `created`, `running`, `exited`; empty where there is no container. */
  state(service: string): Promise<string>
}

/** The gate without a manifest, for a folder at /migrations. */
const gateImage = `schemagate-gate-base:${environment.IMAGE_TAG}`

let count = 0

/** The sample of the ordinary run; all of them with TEST_LONG=1. */
export const chosen = examples.filter(({ isSample }) => isSample || process.env.TEST_LONG === '1')

/** A copy of the example as it was before, its images built. Skips the test where an image is not here. */
export async function startProject(example: Example, { skip }: TestContext): Promise<Project> {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  for (const image of example.images) {
    if ((await $({ quiet: true, nothrow: true })`docker image inspect ${image}`).exitCode !== 0)
      skip(`the Docker engine does not have the image ${image} (scripts/machine/base-images.sh ${image} gets it)`)
  }
  count += 1
  const name = `${projectPrefix}${process.pid}-example-${count}`
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  const source = join(root, 'examples', example.name)
  await cp(source, folder, { recursive: true, filter: path => !path.endsWith(overlay) })
  await $`chmod -R a+rX ${folder}`
  const env = {
    ...environment,
    COMPOSE_PROJECT_NAME: name,
    PORT: '0',
    REPORTS_PORT: '0',
    SCHEMAGATE_MIGRATOR_IMAGE: `schemagate-migrator:${environment.IMAGE_TAG}`,
    SCHEMAGATE_GATE_IMAGE: gateImage,
  }
  const run = $({ cwd: folder, env, quiet: true, nothrow: true })
  const compose: Project['compose'] = (...args) => run`docker compose ${args}`
  onTestFinished(async () => {
    await compose('--profile', '*', 'down', '--volumes', '--remove-orphans', '--rmi', 'local', '--timeout', '1')
    await rm(folder, { recursive: true, force: true })
  })
  const good = await readFile(join(folder, example.migration), 'utf8')
  const state: Project['state'] = async service =>
    (await compose('ps', '--all', '--format', '{{.State}}', service)).stdout.trim()
  return {
    folder,
    compose,
    state,
    init: () => run`${process.execPath} ${join(root, 'migrator/cli/main.ts')} init --yes`,
    gate: async () => {
      await $({
        cwd: root,
        quiet: true,
      })`docker build --quiet --file docker/Dockerfile --target gate-base --tag ${gateImage} .`
      await cp(join(source, overlay), join(folder, overlay))
      await writeFile(join(folder, '.env'), `COMPOSE_FILE=compose.yaml:${overlay}\n`)
    },
    setMigration: async to => {
      await writeFile(join(folder, example.migration), to === 'broken' ? example.broken : good)
      const build = await compose('--profile', '*', 'build', '--quiet')
      if (build.exitCode !== 0) throw new Error(`The images of ${example.name} could not be built.\n${build.stderr}`)
    },
    url: async () => {
      if ((await state(example.app)) !== 'running') return undefined
      const { stdout } = await compose('port', example.app, '8000')
      return `http://127.0.0.1:${stdout.trim().split(':').at(-1)}`
    },
  }
}

/** What the app answers: to a health check that asks nothing, and to a request that needs the second migration. */
export async function ask(url: string): Promise<{ health: number; request: number }> {
  const health = await fetch(`${url}/health`)
  const api = await fetch(`${url}/openapi.json`)
  const body = JSON.stringify({ email: `${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' })
  const account = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  if (!api.ok) return { health: health.status, request: (await fetch(`${url}/users`)).status }
  const registered = await fetch(`${url}/register`, account)
  const loggedIn = await fetch(`${url}/login`, account)
  return { health: health.status, request: registered.status === 201 ? loggedIn.status : registered.status }
}
