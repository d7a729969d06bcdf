// --try: the stack in a project of its own, with migrations that fail; which services run all the same.

import { chmodSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RefusedError, UsageError } from '../../errors.ts'
import { temporaryFolder, writeFiles } from '../../files/write-files.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { isBroken, script } from './broken-migration.ts'
import { type Docker, dockerIn } from './docker.ts'
import { downBy, otherProjects, prefix, projectOf, removeFolders } from './left-behind.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { refuseOutside } from './refuse-outside.ts'
import { safeStack } from './safe-stack.ts'

export type { Outcome } from './outcome.ts'

export interface TrialOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly say: (text: string) => void
  /** How long an application may take to come up, or to fail, in milliseconds. */
  readonly settle?: number
}

const settleTime = 10_000
const downAttempts = 5
/** Milliseconds in which an engine makes the container that a client asked it for just before it was interrupted. */
const engineTime = 2_000
/** Milliseconds in which a database makes its first start. */
const readyTime = 60_000
/** Images may have to be built. */
const upTimeout = 600_000

/**
 * Brings the stack up and takes it down again, with all that it made.
 * @throws RefusedError where that would not be safe; UsageError where it would tell nothing
 */
export async function trial(stack: Stack, { env, signal, say, settle = settleTime }: TrialOptions): Promise<Outcome[]> {
  const { compose: files, members } = stack
  const startsByItself = [...members.values()].filter(({ service }) => service.profiles.length === 0)
  const apps = startsByItself.filter(({ role }) => role === 'app')
  const databases = startsByItself.filter(({ role }) => role === 'database')
  refuseOutside(stack)
  if (apps.length === 0 || databases.length === 0)
    throw new UsageError('There is no application in the file that uses a Postgres of the file: nothing to try.')
  if (files.readBy !== 'docker compose config')
    throw new RefusedError(
      `A trial needs what docker compose makes of the files, and that cannot be had: ${files.notes[0] ?? ''}`,
    )
  const docker = dockerIn(env)
  if ((await docker(['version', '--format', '{{.Server.Version}}'])).code !== 0)
    throw new RefusedError('A trial needs a Docker engine, and none answers.')
  const others = await otherProjects(docker)
  for (const left of others)
    say(
      `${left} is still there: a trial that was killed has left it, where none runs now. Take it down with: ${downBy(left)}`,
    )
  removeFolders(others)
  const folder = temporaryFolder(`${prefix}${process.pid}-`)
  const project = projectOf(basename(folder))
  const broken = join(folder, 'broken.sh')
  const file = join(folder, 'compose.json')
  const own = ['compose', '-p', project, '--project-directory', files.directory, '-f', file]
  const compose: Docker = (args, options) => docker([...own, ...args], options)
  try {
    writeFiles([
      { path: broken, text: script, as: 'new' },
      { path: file, text: JSON.stringify(safeStack(stack, broken), null, 2), as: 'new' },
    ])
    // the server's user reads it, whatever the umask
    chmodSync(broken, 0o644)
    say(`Bringing the stack up as ${project}, with databases that refuse every migration...`)
    const up = await compose(['up', '--detach', '--quiet-pull'], { timeout: upTimeout, signal })
    signal.throwIfAborted()
    for (const database of databases) {
      if (!(await becomesBroken(database, compose, signal)))
        throw new UsageError(
          `${database.service.name} did not start, or its image reads nothing from /docker-entrypoint-initdb.d, so its migrations cannot be made to fail: this stack cannot be tried. ${lastLine(up.stderr)}`.trim(),
        )
    }
    if (up.code !== 0) {
      // Compose starts no more once one migrator has failed, whether or not the others wait for it
      const { stdout } = await compose(['ps', '--all', '--format', '{{.Service}} {{.State}}'])
      const wasStarted = (name: string) =>
        stdout.split('\n').some(line => line.startsWith(`${name} `) && !line.endsWith(' created'))
      for (const { service } of apps) {
        if (!wasStarted(service.name)) await compose(['up', '--detach', service.name], { timeout: upTimeout, signal })
        signal.throwIfAborted()
      }
    }
    await sleep(settle, undefined, { signal })
    return await Promise.all(apps.map(app => outcomeOf(app, stack, compose, docker)))
  } finally {
    const why = await takeDown(project, compose, docker, signal.aborted)
    if (why !== undefined) say(`The stack could not be taken down: ${why}\nDo it with: ${downBy(project)}`)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits for its initdb: without a health check compose does not. False: it has ended, or takes too long. */
async function becomesBroken(database: Member, compose: Docker, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + readyTime
  for (;;) {
    if (await isBroken(database, compose)) return true
    const { stdout } = await compose(['ps', '--all', '--format', '{{.State}}', database.service.name])
    if (!/running|restarting/.test(stdout) || performance.now() > deadline) return false
    await sleep(500, undefined, { signal })
  }
}

/**
 * Takes the stack down. An engine goes on with what an interrupted client had asked it for: what appears after that is taken
 * down as well. Returns why it could not be.
 */
async function takeDown(
  project: string,
  compose: Docker,
  docker: Docker,
  wasInterrupted: boolean,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const down = await compose(['down', '--volumes', '--remove-orphans', '--rmi', 'local', '--timeout', '2'], {
      timeout: 120_000,
    })
    if (down.code !== 0 && attempt === downAttempts) return lastLine(down.stderr)
    if (wasInterrupted) await sleep(engineTime)
    const left = await docker(['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`])
    if (down.code === 0 && left.stdout.trim() === '') return undefined
    if (attempt === downAttempts) return `the containers ${left.stdout.trim().replaceAll('\n', ', ')} are still there.`
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
