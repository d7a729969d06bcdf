// What became of one application while no migration could succeed.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { brokenOnPurpose } from './broken-migration.ts'
import type { Docker } from './docker.ts'

export interface Outcome {
  readonly service: string
  /** `refuses`: it answers 503, as a gate inside of an app does. */
  readonly state: 'not started' | 'ended' | 'refuses' | 'runs' | 'answers'
  /** A port and the first line that came back, or an exit code. */
  readonly detail: string
}

/** A container that is started again and again is seen in another life after this time, in milliseconds. */
const otherLife = 5_000

interface Container {
  readonly state: string
  readonly exitCode: string
  readonly restarts: number
  readonly startedAt: string
}

/** @param compose `docker compose` on the trial's project; @param docker the client itself */
export async function outcomeOf(member: Member, stack: Stack, compose: Docker, docker: Docker): Promise<Outcome> {
  const { service } = member
  const { name } = service
  const container = await containerOf(name, compose, docker)
  if (container === undefined || container.state === 'created')
    return { service: name, state: 'not started', detail: '' }
  const answer = container.state === 'running' ? await answerOf(member, stack, compose) : undefined
  if (answer) {
    const [, status = ''] = /^HTTP\/\S+ (\d+)/.exec(answer.line) ?? []
    const detail = `port ${answer.port}: ${answer.line.slice(0, 60)}`
    return { service: name, state: status === '503' ? 'refuses' : 'answers', detail }
  }
  if (container.state !== 'running' || (await isLooping(container, name, compose, docker))) {
    const { stdout } = await compose(['logs', '--no-color', name])
    const why = stdout.includes(brokenOnPurpose) ? ', after its migration failed' : ''
    const code = container.state === 'exited' ? `exit code ${container.exitCode}` : 'started again and again'
    return { service: name, state: 'ended', detail: `${code}${why}` }
  }
  return { service: name, state: 'runs', detail: '' }
}

async function containerOf(name: string, compose: Docker, docker: Docker): Promise<Container | undefined> {
  const id = (await compose(['ps', '--all', '--quiet', name])).stdout.trim().split('\n')[0]!
  if (id === '') return undefined
  const format = '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}} {{.State.StartedAt}}'
  const [state = '', exitCode = '', restarts = '0', startedAt = ''] = (
    await docker(['inspect', '--format', format, id])
  ).stdout
    .trim()
    .split(' ')
  return { state, exitCode, restarts: Number(restarts), startedAt }
}

async function isLooping(before: Container, name: string, compose: Docker, docker: Docker): Promise<boolean> {
  if (before.restarts === 0) return false
  await sleep(otherLife)
  const after = await containerOf(name, compose, docker)
  return after?.startedAt !== before.startedAt || after.state !== 'running'
}

/** The first line that comes back from one of its ports, asked from the database's container: that one has a shell. */
async function answerOf(
  { service, uses }: Member,
  { members }: Stack,
  compose: Docker,
): Promise<{ port: string; line: string } | undefined> {
  const server = uses.find(({ server }) => members.get(server)?.role === 'database')?.server
  if (server === undefined) return undefined
  const exposed = Array.isArray(service.values.expose) ? service.values.expose.map(String) : []
  for (const port of new Set([...service.ports.map(({ target }) => target), ...exposed])) {
    if (!/^\d+$/.test(port)) continue
    const ask = `exec 3<>/dev/tcp/${service.name}/${port} && printf 'GET / HTTP/1.0\\r\\nHost: ${service.name}\\r\\n\\r\\n' >&3 && head -n 1 <&3`
    const { code, stdout } = await compose(['exec', '-T', server, 'timeout', '5', 'bash', '-c', ask])
    const line = stdout.trim().split('\n')[0]!
    if (code === 0 && line !== '') return { port, line }
  }
  return undefined
}
