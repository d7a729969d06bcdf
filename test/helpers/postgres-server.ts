// The Postgres server that the tests share: from Docker when that is there, else from npm's binaries.

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { removeDataDir } from '../../scripts/lib/postgres/data.ts'
import { startPostgres } from '../../scripts/lib/postgres/server.ts'
import { commandOf, isAlive, markOf, type ProcessMark } from '../../scripts/lib/process/mark.ts'

/** The server as tests see it: `inject('postgres')`. */
export interface TestServer {
  /** A superuser's connection to the database `postgres`. */
  readonly url: string
  readonly way: 'docker' | 'embedded'
  readonly version: string
  /** The folder of programs that was asked for, for servers that a test starts itself. */
  readonly bin: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: TestServer
  }
}

const image = 'postgres:17'
// No character that a shell minds: testcontainers puts it into a health check's command line unquoted.
const password = 'test-password'
/** TEST_POSTGRES_FSYNC=on makes the server as careful as a real one; the default survives all but a power cut. */
const fsync = process.env.TEST_POSTGRES_FSYNC === 'on' ? 'on' : 'off'
const quick = {
  max_connections: 300,
  max_prepared_transactions: 10,
  fsync,
  full_page_writes: fsync,
  autovacuum_naptime: '1d',
  max_wal_size: '4GB',
}

/**
 * vitest's global setup. TEST_POSTGRES chooses: `auto` (the default), `docker`, `docker:TAG` (an image of that tag),
 * `embedded`, or a folder with `initdb` and `postgres`. A way that was asked for by name is never replaced by another.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const wish = process.env.TEST_POSTGRES || 'auto'
  const { server, stop, why } = await choose(wish)
  console.log(`Postgres ${server.version}, ${server.way}: ${why}`)
  project.provide('postgres', server)
  return stop
}

interface Started {
  readonly server: TestServer
  readonly why: string
  stop(): Promise<void>
}

async function choose(wish: string): Promise<Started> {
  if (wish === 'embedded') return embedded(undefined, 'TEST_POSTGRES=embedded')
  if (wish.includes('/')) return embedded(wish, `TEST_POSTGRES=${wish}`)
  if (wish === 'docker') return docker(image, 'TEST_POSTGRES=docker')
  if (wish.startsWith('docker:')) return docker(`postgres:${wish.slice('docker:'.length)}`, `TEST_POSTGRES=${wish}`)
  if (wish !== 'auto')
    throw new Error(`TEST_POSTGRES=${wish}: expected auto, docker, docker:TAG, embedded or a folder.`)
  const missing = await whyNotDocker()
  return missing ? embedded(undefined, missing) : docker(image, `a Docker engine and ${image} are there`)
}

/** Why Docker cannot serve, or undefined if it can. An image that is not here is not pulled behind anyone's back. */
async function whyNotDocker(): Promise<string | undefined> {
  const run = promisify(execFile)
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 })
  } catch {
    return 'no Docker engine answers'
  }
  try {
    await run('docker', ['image', 'inspect', image], { timeout: 10_000 })
  } catch {
    return `the Docker engine does not have the image ${image}`
  }
  return undefined
}

async function docker(name: string, why: string): Promise<Started> {
  const run = promisify(execFile)
  await removeLeftContainers()
  // Ryuk removes what a killed run leaves behind, but needs an image of its own; without it the next run has to do.
  const { stdout: images } = await run('docker', ['images', '--format', '{{.Repository}}'])
  if (!images.includes('testcontainers/ryuk')) process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const { Wait } = await import('testcontainers')
  const settings = Object.entries(quick).flatMap(([setting, value]) => ['-c', `${setting}=${value}`])
  const container = await new PostgreSqlContainer(name)
    .withDatabase('postgres')
    .withUsername('postgres')
    .withPassword(password)
    .withLabels({ [label]: JSON.stringify(await markOf(process.pid)) })
    .withCommand(['postgres', ...settings])
    // The default is a health check four times a second for as long as the server lives, which takes half of a core: here
    // once a day. The first time that the server is ready, it is so for the scripts of initdb only.
    .withHealthCheck({ test: ['CMD', 'true'], interval: 86_400_000 })
    .withWaitStrategy(Wait.forAll([Wait.forLogMessage(/ready to accept connections/, 2), Wait.forListeningPorts()]))
    .start()
  const url = container.getConnectionUri()
  const { stdout } = await run('docker', ['exec', container.getId(), 'postgres', '--version'])
  const version = stdout.match(/\d+(\.\d+)?/)?.[0] ?? 'unknown'
  return {
    server: { url, way: 'docker', version, bin: undefined },
    why,
    stop: async () => {
      await container.stop({ remove: true, removeVolumes: true })
    },
  }
}

/** On each container of ours: which process it serves. */
const label = 'schemagate.test.process'

/** Containers of test runs that were killed before they could clean up. */
async function removeLeftContainers(): Promise<void> {
  const run = promisify(execFile)
  const format = `{{.ID}} {{.Label "${label}"}}`
  const { stdout } = await run('docker', ['ps', '--all', '--filter', `label=${label}`, '--format', format])
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [id = '', ...rest] = line.split(' ')
    const mark: ProcessMark = JSON.parse(rest.join(' '))
    if (!(await isAlive(mark))) await run('docker', ['rm', '--force', '--volumes', id]).catch(() => {})
  }
}

async function embedded(bin: string | undefined, why: string): Promise<Started> {
  await removeLeftovers()
  const dataDir = await mkdtemp(join(tmpdir(), `schemagate-test-${process.pid}-`))
  const postgres = await startPostgres({ dataDir, bin, password, settings: quick, fsync: fsync === 'on' })
  return {
    server: { url: postgres.url, way: 'embedded', version: postgres.version, bin },
    why,
    stop: async () => {
      await postgres.stop('immediate')
      await removeDataDir(dataDir)
    },
  }
}

/** Data folders of test runs that were killed before they could clean up. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^schemagate-test-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && (await commandOf(Number(pid))) === undefined) {
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {})
    }
  }
}
