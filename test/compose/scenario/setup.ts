// Prepares the compose scenarios once: finds out whether they can run here, and builds the two images they start.

import type { TestProject } from 'vitest/node'
import { $ } from 'zx'
import { commandOf } from '../../../scripts/lib/process/mark.ts'
import { whyNoStack } from '../../../scripts/stack/ways.ts'
import { joinSwarm } from './own-swarm.ts'
import { environment, projectPrefix, root } from './project.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Why the compose scenarios cannot run here, null when they can. */
    whyNoCompose: string | null
    /** The same of the Swarm scenarios. */
    whyNoSwarm: string | null
  }
}

const run = $({ cwd: root, env: environment, quiet: true, nothrow: true })

/**
 * vitest's global setup. TEST_COMPOSE chooses: `auto` (the default: skip with the reason where there is no engine),
 * `required` (a missing engine is a failure), `off`.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const wish = process.env.TEST_COMPOSE || 'auto'
  if (!['auto', 'required', 'off'].includes(wish)) {
    throw new Error(`TEST_COMPOSE=${wish}: expected auto, required or off.`)
  }
  const why = wish === 'off' ? 'TEST_COMPOSE=off' : ((await whyNoStack()) ?? null)
  if (why !== null && wish === 'required') throw new Error(`The compose scenarios are required, but ${why}.`)
  project.provide('whyNoCompose', why)
  if (why !== null) {
    project.provide('whyNoSwarm', why)
    console.log(`compose scenarios are skipped: ${why}`)
    return undefined
  }
  await removeLeftovers()
  const started = performance.now()
  const build = await run`docker compose --env-file /dev/null build --quiet`
  if (build.exitCode !== 0) throw new Error(`The images could not be built.\n${build.stdout}${build.stderr}`)
  console.log(`built the images in ${Math.round(performance.now() - started)} ms`)
  const swarm = await joinSwarm()
  project.provide('whyNoSwarm', swarm.why)
  return swarm.leave
}

/** Stacks of test runs that were killed before they could take them down. */
async function removeLeftovers(): Promise<void> {
  const listed = await run`docker compose ls --all --format json --filter name=${projectPrefix}`.json()
  for (const { Name: name } of listed) {
    const pid = Number(String(name).slice(projectPrefix.length).split('-')[0])
    if ((await commandOf(pid)) === undefined) await run`docker compose -p ${name} down --volumes --remove-orphans`
  }
}
