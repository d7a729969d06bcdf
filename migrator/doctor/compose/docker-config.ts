// What `docker compose config` makes of the files: anchors, extends, includes, overlays and .env, as Compose itself reads them.

import { spawn } from 'node:child_process'
import type { Variables } from './interpolate.ts'
import { isValues } from './merge.ts'

/** The stack as Compose reads it, or why it cannot. */
export type DockerConfig =
  | { readonly values: Record<string, unknown> }
  | { readonly why: string; readonly isThere: boolean }

/** In milliseconds: long enough for thousands of services. */
const longEnough = 20_000

export interface DockerLimits {
  /** Milliseconds after which docker is not waited for. */
  readonly dockerTimeout?: number | undefined
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks docker's client; no engine is needed, and nothing is started.
 * @param files paths, or `-` for the text in `stdin`
 * @throws the signal's reason
 * @param unset variables that have no value: each stands for itself, so that what is not known does not become nothing
 * @param inPorts those of them that name ports
 */
export async function dockerConfig(
  files: readonly string[],
  directory: string,
  stdin: string | undefined,
  env: Variables,
  unset: readonly string[],
  inPorts: ReadonlySet<string>,
  limits: DockerLimits = {},
): Promise<DockerConfig> {
  const args = [
    ...['compose', '--profile', '*', '--project-directory', directory, ...files.flatMap(file => ['-f', file])],
    ...['config', '--format', 'json'],
  ]
  const standing = (names: readonly string[]) => {
    const placeholders = Object.fromEntries(names.map(name => [name, `\${${name}}`]))
    return run(args, directory, stdin, { ...env, ...placeholders }, limits)
  }
  let result = await standing(unset)
  limits.signal?.throwIfAborted()
  if (result.code === 'killed') return { why: 'it does not end', isThere: true }
  // Compose refuses the text `${PORT}` where it wants a number, and takes nothing there
  const others = unset.filter(name => !inPorts.has(name))
  if (result.code !== 0 && others.length < unset.length) result = await standing(others)
  if (result.code !== 0 && others.length > 0) result = await standing([])
  if (result.code === undefined) return { why: 'the docker client is not there', isThere: false }
  if (result.code !== 0) return { why: reason(result.stderr), isThere: !/is not a docker command/.test(result.stderr) }
  try {
    return { values: unescapeAll(JSON.parse(result.stdout)) as Record<string, unknown> }
  } catch {
    return { why: 'docker compose config printed no JSON: it is too old', isThere: false }
  }
}

interface Result {
  /** Undefined: it could not be started. */
  readonly code: number | 'killed' | undefined
  readonly stdout: string
  readonly stderr: string
}

function run(
  args: readonly string[],
  cwd: string,
  stdin: string | undefined,
  env: Variables,
  { dockerTimeout = longEnough, signal }: DockerLimits,
): Promise<Result> {
  return new Promise(done => {
    const child = spawn('docker', args, {
      cwd,
      // a file that somebody else wrote must not make this machine fetch what it names
      env: { ...env, COMPOSE_EXPERIMENTAL_GIT_REMOTE: '0', COMPOSE_EXPERIMENTAL_OCI_REMOTE: '0', COMPOSE_FILE: '' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // a group of its own: docker passes a SIGTERM on to compose, which does not look at it while it reads
      detached: true,
    })
    const kill = () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL')
    const timer = setTimeout(kill, dockerTimeout)
    signal?.addEventListener('abort', kill)
    const end = (code: Result['code']) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', kill)
      done({ code, stdout, stderr })
    }
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
    child.on('error', () => end(undefined))
    child.on('close', code => end(code ?? 'killed'))
    child.stdin.on('error', () => {})
    child.stdin.end(stdin ?? '')
  })
}

/** The last line says it; what follows `near` is a piece of a file of secrets. */
function reason(stderr: string): string {
  const lines = stderr.split('\n').filter(line => line.trim() !== '' && !/level=warning/.test(line))
  return (lines.at(-1) ?? 'docker compose config failed')
    .replace(/ near .*/, '')
    .replace(/^.*level=\w+ msg=/, '')
    .slice(0, 300)
}

/** It writes a dollar sign as two, so that what it prints can be read again. */
function unescapeAll(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$$', '$')
  if (Array.isArray(value)) return value.map(unescapeAll)
  if (isValues(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unescapeAll(item)]))
  return value
}
