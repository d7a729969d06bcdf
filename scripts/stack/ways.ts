// Decides how to run: with Docker when an engine and the images are there, else on an embedded Postgres.

import { $ } from 'zx'
import { root } from '../lib/root.ts'

export type Way = 'docker' | 'embedded'

export interface Choice {
  readonly way: Way
  /** In words, for the user: why this way. */
  readonly why: string
}

/** Follows `wish`, or finds out what this machine can do. @throws if `docker` was wished for and cannot be had. */
export async function chooseWay(wish: Way | undefined, say: (text: string) => void): Promise<Choice> {
  if (wish === 'embedded') return { way: 'embedded', why: 'as asked for' }
  const missing = await whyNotDocker(say)
  if (missing === undefined) return { way: 'docker', why: wish ? 'as asked for' : 'a Docker engine answers' }
  if (wish === 'docker') throw new Error(`Docker cannot be used: ${missing}.`)
  return { way: 'embedded', why: missing }
}

/** Whether a Docker engine with Compose answers; undefined if so, else what is missing. */
export async function whyNoEngine(): Promise<string | undefined> {
  const quietly = $({ quiet: true, nothrow: true, timeout: '15s' })
  if ((await quietly`docker version --format ${'{{.Server.Version}}'}`).exitCode !== 0)
    return 'no Docker engine answers'
  if ((await quietly`docker compose version`).exitCode !== 0) return 'docker has no compose command'
  return undefined
}

/** Whether the compose file's images can be built and run here; undefined if so, else what is missing. Pulls nothing. */
export async function whyNoStack(): Promise<string | undefined> {
  const missing = await whyNoEngine()
  if (missing !== undefined) return missing
  for (const image of await baseImages())
    if ((await $({ quiet: true, nothrow: true })`docker image inspect ${image}`).exitCode !== 0)
      return `the Docker engine does not have the image ${image} (scripts/machine/base-images.sh gets it)`
  return undefined
}

async function whyNotDocker(say: (text: string) => void): Promise<string | undefined> {
  const missing = await whyNoEngine()
  if (missing !== undefined) return missing
  for (const image of await baseImages()) {
    if ((await $({ quiet: true, nothrow: true })`docker image inspect ${image}`).exitCode === 0) continue
    say(`Pulling ${image}`)
    const pull = await $({ quiet: true, nothrow: true, timeout: '10m' })`docker pull --quiet ${image}`
    if (pull.exitCode !== 0) return `the image ${image} is not here and cannot be pulled`
  }
  return undefined
}

/** The images that the compose file takes from elsewhere: those it runs, and those it builds on. */
async function baseImages(): Promise<string[]> {
  const { stdout } = await $({ quiet: true, cwd: root })`docker compose config --format json`
  const { services }: { services: Record<string, Service> } = JSON.parse(stdout)
  const images = Object.values(services).map(({ image, build }) => (build ? build.args?.NODE_IMAGE : image))
  return [...new Set(images.filter(image => image !== undefined))]
}

interface Service {
  readonly image?: string
  readonly build?: { readonly args?: { readonly NODE_IMAGE?: string } }
}
