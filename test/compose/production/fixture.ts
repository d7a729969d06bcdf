// The fixture `production`: the production overlay as a project of its own, deployed by the real `npm run deploy`.

import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, inject } from 'vitest'
import { $, type ProcessOutput } from 'zx'
import { ofService } from '../../../scripts/lib/containers.ts'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { releaseRecord } from '../../../scripts/release/record.ts'
import { type Ended, type Running, startProcess } from '../../helpers/process.ts'
import { keepArtifacts } from '../scenario/artifacts.ts'
import { environment, projectPrefix, root } from '../scenario/project.ts'
import type { Release } from '../scenario/releases.ts'
import { eventsOf } from '../scenario/stack.ts'

export interface Production {
  readonly project: string
  /** Where the proxy answers. */
  readonly url: string
  /** Where the files of the secrets are. */
  readonly folder: string
  /** What must not be seen anywhere. */
  readonly secrets: ReadonlyMap<string, string>
  /** Starts `npm run deploy` or `restore` as a process of its own. */
  start(script: 'deploy' | 'restore', release: Release | undefined, ...args: string[]): Running
  /** The same, and waits for its end. */
  run(script: 'deploy' | 'restore', release: Release | undefined, ...args: string[]): Promise<Ended>
  /** The same from another checkout. */
  runIn(checkout: string, script: 'deploy' | 'restore', release: Release | undefined, ...args: string[]): Promise<Ended>
  /** Writes a compose file for `--file`, with what a user would put into it; returns its path. */
  overlay(services: Readonly<Record<string, object>>): Promise<string>
  /** `docker compose ARGS` on the project. A failure is a result. */
  compose(release: Release, ...args: string[]): Promise<ProcessOutput>
  docker(...args: string[]): Promise<ProcessOutput>
  /** What Docker says of a service's containers. */
  inspect(service: string): Promise<Inspected[]>
  /** What psql prints, as the owner. */
  sql(statement: string): Promise<string>
}

/** The parts of `docker inspect` that matter here. */
export interface Inspected {
  readonly Id: string
  readonly Image: string
  readonly Config: { readonly User: string; readonly Env: readonly string[]; readonly Image: string }
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly CapDrop: readonly string[] | null
    readonly CapAdd: readonly string[] | null
    readonly SecurityOpt: readonly string[] | null
    readonly Memory: number
    readonly PidsLimit: number | null
    readonly RestartPolicy: { readonly Name: string }
    readonly LogConfig: { readonly Config: Readonly<Record<string, string>> }
  }
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> }
}

let count = 0

/** Gives the test `production`, and skips it with the reason where compose cannot run. */
export const test = base.extend('production', async ({ skip, task }, { onCleanup }): Promise<Production> => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  count += 1
  const { production, remove } = await make(`${projectPrefix}${process.pid}-production-${count}`)
  onCleanup(async () => {
    const ofProject = (...args: string[]) => production.compose(noRelease, ...args)
    if (task.result?.state === 'fail')
      await keepArtifacts(task, {
        ps: await ofProject('ps', '--all'),
        events: await production.docker(...eventsOf(production.project)),
        logs: await ofProject('logs', '--no-color', '--timestamps', '--tail', '100'),
      })
    await remove()
  })
  return production
})

/** Compose wants the images' names for whatever it is asked. */
const noRelease: Release = { app: { image: ':none' }, migrator: { image: ':none' } }

const tagOf = ({ app }: Release) => app.image.slice(app.image.lastIndexOf(':') + 1)

async function make(project: string) {
  const port = await freePort()
  // Compose doubles the dollar sign where it writes what it has read
  const folder = await mkdtemp(join(tmpdir(), `${project}-$-`))
  const secrets = new Map<string, string>()
  for (const name of ['owner_password', 'app_password', 'jwt_secret']) {
    secrets.set(name, randomBytes(36).toString('base64url'))
    await writeFile(join(folder, name), `${secrets.get(name)}\n`)
    await chmod(join(folder, name), 0o444)
  }
  const env = {
    ...environment,
    APP_PORT: `${port}`,
    SECRETS_DIR: folder,
    AUTH_RATE_LIMIT: '0',
    COMPOSE_ENV_FILES: '/dev/null',
    CI: 'true',
  }
  const shell = $({ cwd: root, env, quiet: true, nothrow: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const files = ['-f', 'docker-compose.yml', '-f', 'docker/compose.prod.yml']
  const compose: Production['compose'] = (release, ...args) =>
    $({
      cwd: root,
      env: { ...env, IMAGE_TAG: tagOf(release) },
      quiet: true,
      nothrow: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })`docker compose -p ${project} ${files} ${args}`
  const docker: Production['docker'] = (...args) => shell`docker ${args}`
  const inspect: Production['inspect'] = async service => {
    const ids = (await docker('ps', '--all', '--quiet', ...ofService(project, service))).stdout
      .split('\n')
      .filter(Boolean)
    return ids.length === 0 ? [] : (await docker('inspect', ...ids)).json<Inspected[]>()
  }
  const startIn = (cwd: string, script: string, release: Release | undefined, args: readonly string[]) => {
    const all = [
      process.execPath,
      `scripts/release/${script}.ts`,
      '--project',
      project,
      ...(release ? ['--tag', tagOf(release)] : []),
      ...args,
    ]
    return startProcess(all, { cwd, env })
  }
  const start: Production['start'] = (script, release, ...args) => startIn(root, script, release, args)
  const production: Production = {
    project,
    url: `http://127.0.0.1:${port}`,
    folder,
    secrets,
    start,
    run: (script, release, ...args) => start(script, release, ...args).ended,
    runIn: (checkout, script, release, ...args) => startIn(checkout, script, release, args).ended,
    overlay: async services => {
      const file = join(folder, 'overlay.json')
      await writeFile(file, JSON.stringify({ services }))
      return file
    },
    compose,
    docker,
    inspect,
    sql: async statement => {
      const [postgres] = await inspect('postgres')
      const psql = 'exec psql -X -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v ON_ERROR_STOP=1 -Atqc "$1"'
      const { exitCode, stdout, stderr } = await docker('exec', postgres?.Id ?? '', 'sh', '-c', psql, 'sh', statement)
      if (exitCode !== 0) throw new Error(`psql ended with ${exitCode}: ${stderr}`)
      return stdout.trim()
    },
  }
  const remove = async () => {
    const down = await shell`docker compose -p ${project} --profile ${'*'} down --volumes --remove-orphans --timeout 2`
    await shell`docker image rm schemagate-app:${project}-previous`
    await rm(folder, { recursive: true, force: true })
    await rm(releaseRecord(project), { force: true })
    if (down.exitCode !== 0) throw new Error(`${project} could not be taken down.\n${down.stderr}`)
  }
  return { production, remove }
}
