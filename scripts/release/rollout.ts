// Replaces the app's replicas one at a time, and puts the old image back when the new one does not become healthy.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ofService } from '../lib/containers.ts'
import { manifestOf, type Release } from './images.ts'
import { lastMessage } from './migrator-log.ts'
import { type Container, type Production, type Replica, replicas } from './production.ts'
import type { Progress } from './progress.ts'

/** A replica did not become healthy. The message says what was done about it, and what is left to do. */
export class RolloutError extends Error {}

export interface RolloutOptions {
  /** Seconds that a replica may take to become healthy. */
  readonly timeout: number
  /** Replace also what is as it should be: to take up a changed secret. */
  readonly recreate: boolean
}

/** @throws RolloutError */
export async function rollOut(
  production: Production,
  release: Release,
  { timeout, recreate }: RolloutOptions,
  { step, say }: Progress,
): Promise<void> {
  const before = await Promise.all(replicas.map(replica => production.container(replica)))
  const old = before.find(container => container !== undefined && container.imageId !== release.appImageId)
  if (old) await keep(production, old)
  for (const [i, replica] of replicas.entries()) {
    let why: string | undefined
    await step(`replace ${replica}`, async () => {
      const options = recreate ? ['--force-recreate'] : []
      why = await start(production, replica, timeout, options)
      if (why !== undefined) throw new RolloutError(why)
      const after = await production.container(replica)
      return after?.id === before[i]?.id ? 'it is as it should be' : 'healthy'
    }).catch(error => {
      if (!(error instanceof RolloutError)) throw error
    })
    if (why === undefined) continue
    const logs = await production.compose(['logs', '--no-log-prefix', '--no-color', '--tail', '20', replica])
    say(`${replica} did not become healthy: ${why}\n${(logs.stdout + logs.stderr).trim().replace(/^/gm, '  | ')}`)
    throw new RolloutError(await putBack(production, old, replicas.slice(0, i + 1), timeout, { step, say }))
  }
}

/** Undefined once the replica is healthy; else why it is not. */
async function start(
  production: Production,
  replica: Replica,
  timeout: number,
  options: readonly string[],
  tag?: string,
): Promise<string | undefined> {
  const deadline = performance.now() + timeout * 1_000
  let further = options
  for (let attempt = 1; ; attempt++) {
    await removeUnborn(production, replica)
    const left = Math.max(1, Math.ceil((deadline - performance.now()) / 1_000))
    const up = await production.compose(['up', '--detach', '--no-deps', '--no-build', '--wait', ...further, replica], {
      timeout: `${left}s`,
      ...(tag !== undefined && { tag }),
    })
    if (up.exitCode === 0) return undefined
    if (performance.now() >= deadline) return `it was not healthy within ${timeout} s.`
    // One that is not healthy now may be soon: its gate was closed until the migrator had run, as after a restore.
    const mayBecome = /is unhealthy/.test(up.stderr)
    // The engine may still be busy with what a deploy that was killed had begun.
    const isBusy = /Error response from daemon/.test(up.stderr) && attempt < attempts
    if (mayBecome) further = []
    else if (!isBusy) return up.stderr.trim().split('\n').at(-1) ?? 'compose failed.'
    await pause(1_000)
  }
}

const attempts = 5

/** The previous release gets at least this many seconds to become healthy again: nothing could replace it. */
const timeoutWithOld = 60

/**
 * Compose makes a replica's successor under another name before it stops the replica; killed in between it leaves one
 * that never ran, and then stumbles over it.
 */
async function removeUnborn(production: Production, replica: Replica): Promise<void> {
  const ofReplica = ofService(production.options.project, replica)
  const { stdout } = await production.docker(['ps', '--all', '--quiet', '--filter', 'status=created', ...ofReplica])
  const ids = stdout.split('\n').filter(Boolean)
  if (ids.length > 0) await production.docker(['rm', '--force', ...ids])
}

async function keep(production: Production, old: Container): Promise<void> {
  await production.docker(['tag', old.imageId, await previousName(production)])
}

/** The tag that keeps the app's previous image. Each project has its own, since a machine may have several. */
function previousTag({ options }: Production): string {
  return `${options.project}-previous`
}

async function previousName(production: Production): Promise<string> {
  const { services } = await production.config()
  return (services.app?.image ?? '').replace(/:[^:/]*$/, `:${previousTag(production)}`)
}

async function putBack(
  production: Production,
  old: Container | undefined,
  changed: readonly Replica[],
  timeout: number,
  { step }: Progress,
): Promise<string> {
  if (old === undefined) return 'There is no earlier release to put back. Fix the app and deploy again.'
  const why = await isInWindow(production)
  if (why !== undefined)
    return `The previous release (${old.imageName}) cannot be put back: ${why}\nFix the app and deploy again, or restore the backup that was taken: npm run restore`
  const failed: string[] = []
  for (const replica of changed)
    await step(`put ${replica} back to ${old.imageName}`, async () => {
      const why = await start(production, replica, Math.max(timeout, timeoutWithOld), [], previousTag(production))
      if (why === undefined) return 'healthy'
      failed.push(replica)
      return 'not healthy'
    })
  return failed.length === 0
    ? `The previous release (${old.imageName}) serves again; the migrations that were applied stay. Fix the app and deploy again.`
    : `The previous release was put back, but ${failed.join(' and ')} did not become healthy. Look: ${production.command} logs ${failed.join(' ')}`
}

/** Whether the previous release can live with the database as it is now. Undefined: yes. */
async function isInWindow(production: Production): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-deploy-'))
  try {
    const file = join(folder, 'manifest.json')
    const manifest = await manifestOf(production, await previousName(production), '/app/dist/manifest.json')
    await writeFile(file, manifest, { mode: 0o644 })
    const check = await production.migrator(['check', '--manifest', '/previous.json'], {
      mount: `${file}:/previous.json:ro`,
    })
    if (check.exitCode === 0) return undefined
    return lastMessage(check.stderr) ?? `check ended with exit code ${check.exitCode}.`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
