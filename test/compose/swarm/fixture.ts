// The fixture `swarm`: the real docker/stack.yml on the engine's own Swarm of one node, gone afterwards.

import { randomBytes } from 'node:crypto'
import { test as base, expect, inject } from 'vitest'
import { $, type ProcessOutput } from 'zx'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { commandOf } from '../../../scripts/lib/process/mark.ts'
import { eventually } from '../../helpers/eventually.ts'
import { keepArtifacts } from '../scenario/artifacts.ts'
import { environment, projectPrefix, root } from '../scenario/project.ts'
import type { Release } from '../scenario/releases.ts'

export type Service = 'postgres' | 'migrator' | 'app' | 'proxy'

/** What Docker says of a task's container. */
export interface TaskContainer {
  readonly Id: string
  readonly Created: string
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly Pid: number }
  readonly Config: { readonly User: string; readonly Env: readonly string[] }
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly CapDrop: readonly string[] | null
    readonly CapAdd: readonly string[] | null
    readonly Memory: number
    readonly PidsLimit: number | null
    readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> }
  }
}

export interface Swarm {
  readonly name: string
  /** Where the proxy answers. */
  readonly url: string
  /** The secrets' values, by name. */
  readonly secrets: ReadonlyMap<string, string>
  /** `docker ARGS`; a non-zero exit code is a result, not an exception. */
  docker(...args: string[]): Promise<ProcessOutput>
  /** `docker stack deploy` of this release, which returns as soon as Swarm has the stack. */
  deploy(release: Release, settings?: Readonly<Record<string, string>>): Promise<void>
  /** The containers of the service's tasks, the newest first, also those that have ended. */
  containers(service: Service): Promise<TaskContainer[]>
  /** The container's JSON log lines. */
  logs(container: TaskContainer): Promise<Record<string, unknown>[]>
  /** How far the rolling update of the app is: `completed`, `rollback_completed`, ...; undefined before the first one. */
  updateState(): Promise<string | undefined>
  /** The newest migration of the app that answers and of its database, once it answers with 200. */
  heads(): Promise<{ app: string; database: string }>
}

/** The images that the stack takes from elsewhere. */
const images = ['postgres:17', 'caddy:2']

/** Gives the tests of one file the same `swarm`, and skips them with the reason where there can be none. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures that a fixture needs
  .extend('made', { scope: 'file' }, async ({}, { onCleanup }): Promise<Swarm | string> => {
    const why = inject('whyNoCompose') ?? inject('whyNoSwarm') ?? (await whyNoImage())
    if (why !== null) return why
    await removeLeftovers()
    const name = `${projectPrefix}${process.pid}`
    onCleanup(() => remove(name))
    return makeSwarm(name)
  })
  .extend('swarm', async ({ made, skip, task }, { onCleanup }): Promise<Swarm> => {
    if (typeof made === 'string') return skip(made)
    onCleanup(async () => {
      if (task.result?.state === 'fail') await keepArtifacts(task, await artifactsOf(made))
    })
    return made
  })

const secretNames = ['owner_password', 'app_password', 'jwt_secret']

const run = $({ cwd: root, quiet: true, nothrow: true, stdio: ['ignore', 'pipe', 'pipe'] })

async function whyNoImage(): Promise<string | null> {
  for (const image of images) {
    if ((await run`docker image inspect ${image}`).exitCode === 0) continue
    const why = `the Docker engine does not have the image ${image} (scripts/machine/base-images.sh gets it)`
    if (process.env.TEST_COMPOSE === 'required') throw new Error(`The Swarm scenarios are required, but ${why}.`)
    return why
  }
  return null
}

const docker: Swarm['docker'] = (...args) => run`docker ${args}`

/** What `docker ARGS` prints, which must end well. */
async function succeeds(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await docker(...args)
  expect(exitCode, `docker ${args.join(' ')}\n${stdout}${stderr}`).toBe(0)
  return stdout
}

async function lines(...args: string[]): Promise<string[]> {
  return (await succeeds(...args)).split('\n').filter(line => line !== '')
}

async function makeSwarm(name: string): Promise<Swarm> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const secrets = new Map<string, string>()
  for (const secret of secretNames) {
    const value = randomBytes(36).toString('base64')
    secrets.set(`${name}_${secret}`, value)
    await $({ quiet: true, input: value })`docker secret create ${`${name}_${secret}`} -`
  }
  return {
    name,
    url,
    secrets,
    docker,
    deploy: async ({ app, migrator }, settings = {}) => {
      const [prefix, tag] = app.image.split('-app:')
      expect(migrator.image, 'one variable names both images').toBe(`${prefix}-migrator:${tag}`)
      const env = {
        ...environment,
        ...{ SECRETS: name, APP_PORT: `${port}`, AUTH_RATE_LIMIT: '0', IMAGE_PREFIX: prefix, IMAGE_TAG: tag },
        ...settings,
      }
      const args = [
        'stack',
        'deploy',
        '--detach',
        '--resolve-image',
        'never',
        '--compose-file',
        'docker/stack.yml',
        name,
      ]
      const { exitCode, stdout, stderr } = await run({ env })`docker ${args}`
      expect(exitCode, `${stdout}${stderr}`).toBe(0)
      // It names here what it does not do.
      expect(stderr).not.toMatch(/unsupported|deprecated/i)
    },
    containers: async service => {
      const label = `label=com.docker.swarm.service.name=${name}_${service}`
      const ids = await lines('ps', '--all', '--quiet', '--no-trunc', '--filter', label)
      if (ids.length === 0) return []
      // Swarm may remove one of them in between; the others are still in the answer.
      const found: TaskContainer[] = JSON.parse((await docker('inspect', ...ids)).stdout)
      return found.sort((a, b) => b.Created.localeCompare(a.Created))
    },
    logs: async ({ Id: id }) => {
      const { stdout, stderr } = await docker('logs', id)
      return `${stdout}\n${stderr}`.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
    },
    updateState: async () => {
      const status = await succeeds('service', 'inspect', '--format', '{{json .UpdateStatus}}', `${name}_app`)
      return JSON.parse(status)?.State
    },
    heads: async () => {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })
      const { gate } = JSON.parse(await response.text())
      expect(response.status, JSON.stringify(gate)).toBe(200)
      return { app: gate.head, database: gate.database.head }
    },
  }
}

/** The stack with all that it had, and its secrets. */
async function remove(name: string): Promise<void> {
  await docker('stack', 'rm', name)
  const ofStack = ['--quiet', '--filter', `label=com.docker.stack.namespace=${name}`]
  await eventually(
    async () => {
      expect(await lines('ps', '--all', ...ofStack)).toEqual([])
      await docker('volume', 'rm', `${name}_postgres-data`)
      expect(await lines('volume', 'ls', ...ofStack)).toEqual([])
      expect(await lines('network', 'ls', ...ofStack)).toEqual([])
    },
    { timeout: 90_000, interval: 500 },
  )
  await docker('secret', 'rm', ...secretNames.map(secret => `${name}_${secret}`))
}

/** Stacks of test runs that were killed before they could take them down. */
async function removeLeftovers(): Promise<void> {
  for (const name of await lines('stack', 'ls', '--format', '{{.Name}}')) {
    const isDead = name.startsWith(projectPrefix) && !(await commandOf(Number(name.slice(projectPrefix.length))))
    if (isDead) await remove(name)
  }
}

/** Not by `service logs`, which may never end. */
async function artifactsOf({ name }: Swarm): Promise<Record<string, ProcessOutput>> {
  const ids = await lines('ps', '--all', '--quiet', '--filter', `label=com.docker.stack.namespace=${name}`)
  const logs = ids.map(async id => [`log-${id}`, await docker('logs', '--timestamps', '--tail', '50', id)] as const)
  return {
    ps: await docker('stack', 'ps', '--no-trunc', name),
    update: await docker('service', 'inspect', '--format', '{{json .UpdateStatus}}', `${name}_app`),
    ...Object.fromEntries(await Promise.all(logs)),
  }
}
