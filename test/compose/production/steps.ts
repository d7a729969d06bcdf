// The steps of which scenarios of a release in production are made: deploy it, and see what serves.

import { expect } from 'vitest'
import type { Release } from '../scenario/releases.ts'
import type { Production } from './fixture.ts'

/** Several releases each, one after the other: on a slow machine that takes its time. */
export const timeout = 900_000

/** Seconds after which a replica that never gets healthy is given up. */
export const shortTimeout = ['--timeout', '4']

/** `npm run deploy`, which must end well; returns what it printed. */
export async function deploys(production: Production, release: Release, ...args: string[]): Promise<string> {
  const { code, output } = await production.run('deploy', release, ...args)
  expect(code, output).toBe(0)
  return output
}

/** What `/health` says through the proxy. */
export async function health(production: Production): Promise<{ status: number; state: string; head: string }> {
  const response = await fetch(`${production.url}/health`)
  const { gate }: { gate?: { state: string; head: string } } = JSON.parse(await response.text())
  return { status: response.status, state: gate?.state ?? 'none', head: gate?.head ?? 'none' }
}

/** The images that the replicas run. */
export async function images(production: Production): Promise<(string | undefined)[]> {
  const replicas = await Promise.all(['app', 'app-2'].map(replica => production.inspect(replica)))
  return replicas.map(([container]) => container?.Image)
}

/** The image of a release's app, as a container names it. */
export async function imageOf(production: Production, { app }: Release): Promise<string> {
  return (await production.docker('image', 'inspect', '--format', '{{.Id}}', app.image)).stdout.trim()
}
