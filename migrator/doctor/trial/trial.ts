// --try: the stack in a project of its own, with a migration that fails; which services run all the same.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RefusedError, UsageError } from '../../errors.ts'
import type { Member, Stack } from '../model/stack.ts'
import { brokenOnPurpose, safeStack } from './safe-stack.ts'

/** What became of one application while no migration could succeed. */
export interface Outcome {
  readonly service: string
  readonly state: 'not started' | 'ended' | 'runs' | 'answers'
  /** A port and the first line that came back, or an exit code. */
  readonly detail: string
}

export interface TrialOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly say: (text: string) => void
  /** How long an application may take to come up, or to fail, in milliseconds. */
  readonly settle?: number
}

const settleTime = 10_000
/** Images may have to be built. */
const upTimeout = 600_000

/**
 * Brings the stack up and takes it down again, with all that it made.
 * @throws RefusedError where that would not be safe
 */
export async function trial(stack: Stack, { env, signal, say, settle = settleTime }: TrialOptions): Promise<Outcome[]> {
  const apps = [...stack.members.values()].filter(
    ({ role, service }) => role === 'app' && service.profiles.length === 0,
  )
  if (apps.length === 0)
    throw new UsageError('There is no application in the file that uses a database: nothing to try.')
  const folder = mkdtempSync(join(tmpdir(), 'schemagate-doctor-'))
  const project = `schemagate-doctor-${process.pid}-${randomBytes(3).toString('hex')}`
  const broken = join(folder, 'broken.sql')
  const file = join(folder, 'compose.json')
  const docker = (args: readonly string[], timeout?: number, stop?: AbortSignal) =>
    run(
      ['compose', '-p', project, '--project-directory', stack.compose.directory, '-f', file, ...args],
      env,
      timeout,
      stop,
    )
  try {
    writeFileSync(broken, brokenOnPurpose, { mode: 0o644 })
    writeFileSync(file, JSON.stringify(safeStack(stack, broken), null, 2))
    const engine = await run(['version', '--format', '{{.Server.Version}}'], env)
    if (engine.code !== 0) throw new RefusedError('A trial needs a Docker engine, and none answers.')
    say(`Bringing the stack up as ${project}, with databases that refuse every migration...`)
    const up = await docker(['up', '--detach', '--quiet-pull'], upTimeout, signal)
    signal.throwIfAborted()
    if (up.code !== 0) say(lastLine(up.stderr))
    await sleep(settle, undefined, { signal })
    return await Promise.all(apps.map(app => outcomeOf(app, stack, docker)))
  } finally {
    await docker(['down', '--volumes', '--remove-orphans', '--rmi', 'local', '--timeout', '2'], 120_000)
    rmSync(folder, { recursive: true, force: true })
  }
}

type Docker = (args: readonly string[]) => Promise<Result>

async function outcomeOf({ service }: Member, stack: Stack, docker: Docker): Promise<Outcome> {
  const { name } = service
  const ps = await docker(['ps', '--all', '--format', '{{.State}} {{.ExitCode}}', name])
  const [state = '', code = ''] = (ps.stdout.trim().split('\n')[0] ?? '').split(' ')
  if (state === '' || state === 'created') return { service: name, state: 'not started', detail: '' }
  if (state !== 'running') return { service: name, state: 'ended', detail: `exit code ${code}` }
  const database = [...stack.members.values()].find(({ role }) => role === 'database')
  for (const { target } of service.ports) {
    if (!database || !/^\d+$/.test(target)) continue
    // asked from the database's container, which is there and has a shell
    const ask = `exec 3<>/dev/tcp/${name}/${target} && printf 'GET / HTTP/1.0\\r\\nHost: ${name}\\r\\n\\r\\n' >&3 && head -n 1 <&3`
    const answer = await docker(['exec', '-T', database.service.name, 'timeout', '5', 'bash', '-c', ask])
    const line = answer.stdout.trim().split('\n')[0] ?? ''
    if (answer.code === 0 && line !== '')
      return { service: name, state: 'answers', detail: `port ${target}: ${line.slice(0, 60)}` }
  }
  return { service: name, state: 'runs', detail: '' }
}

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(
  args: readonly string[],
  env: TrialOptions['env'],
  timeout = 60_000,
  signal?: AbortSignal,
): Promise<Result> {
  return new Promise(done => {
    const child = spawn('docker', args, {
      env: { ...env, COMPOSE_FILE: '', COMPOSE_PROFILES: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      ...(signal && { signal }),
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('error', error => done({ code: 1, stdout, stderr: error.message }))
    child.on('close', code => done({ code: code ?? 1, stdout, stderr }))
  })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
