// The fixture `stack`: the real docker-compose.yml as a project of its own, on a port of its own, gone afterwards.

import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, inject } from 'vitest'
import { $, type ProcessOutput } from 'zx'
import { ofService } from '../../../scripts/lib/containers.ts'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { keepArtifacts } from './artifacts.ts'
import { environment, projectPrefix, root } from './project.ts'

/** What Docker says of a service's container; times are milliseconds since 1970, 0 for never. */
export interface Container {
  readonly id: string
  readonly status: 'created' | 'running' | 'exited' | 'restarting' | 'paused' | 'removing' | 'dead'
  readonly health: 'starting' | 'healthy' | 'unhealthy' | undefined
  readonly exitCode: number
  readonly startedAt: number
  readonly finishedAt: number
  readonly environment: readonly string[]
}

export interface Stack {
  readonly project: string
  readonly port: number
  /** Where the app answers, as `http://127.0.0.1:PORT`. */
  readonly url: string
  /** `docker compose ARGS` on this project; a non-zero exit code is a result, not an exception. */
  compose(...args: string[]): Promise<ProcessOutput>
  /** `docker ARGS`, the same way. */
  docker(...args: string[]): Promise<ProcessOutput>
  /** Adds to the compose file what a user would put into an override file. */
  override(services: Record<string, object>): Promise<void>
  /** Gives the migrator a copy of the real migrations with these files added; a text of null leaves the file out. */
  migrations(files: Record<string, string | null>): Promise<void>
  /** The service's container, undefined if there is none. */
  container(service: string): Promise<Container | undefined>
  /** The service's JSON log lines. */
  logs(service: string): Promise<Record<string, unknown>[]>
  /** What psql prints for these statements, each committed by itself, as the owner. @throws Error when one of them fails. */
  sql(...statements: string[]): Promise<string>
  /** Whether anything accepts a connection on the app's port. */
  isPortOpen(): Promise<boolean>
}

let count = 0

/** Gives the test `stack`, and skips it with the reason where compose cannot run. */
export const test = base.extend('stack', async ({ skip, task }, { onCleanup }): Promise<Stack> => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  count += 1
  const project = `${projectPrefix}${process.pid}-${count}`
  const { stack, remove } = await makeStack(project)
  onCleanup(async () => {
    if (task.result?.state === 'fail')
      await keepArtifacts(task, {
        ps: await stack.compose('ps', '--all'),
        events: await stack.docker(...eventsOf(project)),
        logs: await stack.compose('logs', '--no-color', '--timestamps', '--tail', '200'),
      })
    await remove()
  })
  return stack
})

async function makeStack(project: string) {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), `${project}-`))
  // The containers' user reads what is mounted from here.
  await chmod(folder, 0o755)
  const files = [join(root, 'docker-compose.yml')]
  const run = $({
    cwd: root,
    env: { ...environment, APP_PORT: `${port}`, GATE_PORT: '0' },
    quiet: true,
    nothrow: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const compose = (...args: string[]) =>
    run`docker compose --env-file /dev/null -p ${project} ${files.flatMap(file => ['-f', file])} ${args}`
  const docker = (...args: string[]) => run`docker ${args}`

  const override: Stack['override'] = async services => {
    const file = join(folder, `override-${files.length}.json`)
    await writeFile(file, JSON.stringify({ services }, null, 2))
    files.push(file)
  }
  const stack: Stack = {
    project,
    port,
    url: `http://127.0.0.1:${port}`,
    compose,
    docker,
    override,
    migrations: async added => {
      const dir = join(folder, 'migrations')
      await rm(dir, { recursive: true, force: true })
      await cp(join(root, 'migrator/migrations'), dir, { recursive: true })
      for (const [name, text] of Object.entries(added)) {
        if (text === null) await rm(join(dir, name))
        else await writeFile(join(dir, name), text)
      }
      await override({ migrator: { volumes: [`${dir}:/migrations:ro`] } })
    },
    container: service => inspect(docker, project, service),
    logs: async service => {
      const { id = '' } = (await inspect(docker, project, service)) ?? {}
      const { stdout, stderr } = await docker('logs', id)
      return `${stdout}\n${stderr}`.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
    },
    sql: async (...statements) => {
      const { id = '' } = (await inspect(docker, project, 'postgres')) ?? {}
      const psql = 'exec psql -X -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v ON_ERROR_STOP=1 -Atq "$@"'
      const commands = statements.flatMap(statement => ['-c', statement])
      const { exitCode, stdout, stderr } = await docker('exec', id, 'sh', '-c', psql, 'psql', ...commands)
      if (exitCode !== 0) throw new Error(`psql ended with ${exitCode}: ${stderr}`)
      return stdout.trim()
    },
    isPortOpen: () => accepts(port),
  }
  const remove = async () => {
    const down = await compose('down', '--volumes', '--remove-orphans', '--timeout', '2')
    await rm(folder, { recursive: true, force: true })
    if (down.exitCode !== 0) throw new Error(`${project} could not be taken down.\n${down.stderr}`)
  }
  return { stack, remove }
}

async function inspect(docker: Stack['docker'], project: string, service: string): Promise<Container | undefined> {
  const id = (await docker('ps', '--all', '--quiet', '--no-trunc', ...ofService(project, service))).stdout.trim()
  if (id === '') return undefined
  const [container] = (await docker('inspect', id)).json<DockerInspect[]>()
  if (container === undefined) return undefined
  const { State: state, Config: config } = container
  return {
    id,
    status: state.Status,
    health: state.Health?.Status,
    exitCode: state.ExitCode,
    startedAt: time(state.StartedAt),
    finishedAt: time(state.FinishedAt),
    environment: config.Env,
  }
}

interface DockerInspect {
  State: {
    Status: Container['status']
    ExitCode: number
    StartedAt: string
    FinishedAt: string
    Health?: { Status: 'starting' | 'healthy' | 'unhealthy' }
  }
  Config: { Env: string[] }
}

/** Docker's time for "never" is the year 1. */
function time(text: string): number {
  return Math.max(0, Date.parse(text))
}

/** Whether anything accepts a connection on this port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise(answer => {
    const socket = connect(port, '127.0.0.1')
    const end = (open: boolean) => {
      socket.destroy()
      answer(open)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/** What Docker did with a project's containers in the last quarter of an hour. */
export function eventsOf(project: string): string[] {
  const kinds = ['create', 'start', 'kill', 'stop', 'die', 'oom', 'health_status']
  return [
    ...['events', '--since', '15m', '--until', `${Date.now() / 1000}`],
    ...['--filter', `label=com.docker.compose.project=${project}`],
    ...kinds.flatMap(kind => ['--filter', `event=${kind}`]),
    ...['--format', '{{.TimeNano}} {{.Action}} {{index .Actor.Attributes "com.docker.compose.service"}}'],
  ]
}
