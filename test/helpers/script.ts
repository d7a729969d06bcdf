// Runs the project's own scripts (`up`, `down`, `smoke`) as processes, without Docker, apart from the user's own stack.

import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from '../../scripts/lib/free-port.ts'
import { isAlive, type ProcessMark } from '../../scripts/lib/process/mark.ts'
import { root } from '../../scripts/lib/root.ts'
import { readRunning, stopRunning } from '../../scripts/stack/running.ts'
import { eventually } from './eventually.ts'
import { write } from './migrations.ts'
import { cleanEnvironment, type Running, startProcess } from './process.ts'

export interface Site {
  readonly port: number
  readonly url: string
  readonly state: string
  run(script: 'up' | 'down', ...args: string[]): Running
  /** Starts `up` and waits until it says that the stack is up. */
  up(...args: string[]): Promise<Running>
  /** Adds or replaces files in the migrations that the site uses, a copy of the example's. */
  migrations(files: Record<string, string>): Promise<void>
  /** The processes that `up` has recorded. */
  processes(): Promise<Partial<Record<string, ProcessMark>>>
  /** Asserts, eventually, that none of these processes is alive and the port is closed. */
  allGone(processes: Partial<Record<string, ProcessMark>>): Promise<void>
}

/** A place of its own for a stack: a port, a state folder, migrations. Whatever still runs there ends with the test. */
export async function site(): Promise<Site> {
  const state = await mkdtemp(join(tmpdir(), 'schemagate-up-'))
  // The server's user has to get through, where that is not us.
  await chmod(state, 0o755)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const dir = join(state, 'migrations')
  await cp(join(root, 'migrator/migrations'), dir, { recursive: true })
  onTestFinished(async () => {
    const running = await readRunning(state)
    if (running) await stopRunning(running)
    await rm(state, { recursive: true, force: true })
  })
  const portOf = (script: string, args: readonly string[]) =>
    script === 'up' && !args.includes('--port') ? ['--port', `${port}`] : []
  const run: Site['run'] = (script, ...args) =>
    runScript(script, ['--embedded', '--state', state, ...portOf(script, args), ...args], {
      SCHEMAGATE_DIR: dir,
    })
  return {
    port,
    url,
    state,
    run,
    up: async (...args) => {
      const up = run('up', ...args)
      await eventually(
        () => {
          if (!up.output.includes('The stack is up')) throw new Error(`not up:\n${up.output}`)
        },
        { timeout: 90_000, interval: 100 },
      )
      return up
    },
    migrations: files => write(dir, files),
    processes: async () => JSON.parse(await readFile(join(state, 'running.json'), 'utf8')).processes,
    allGone: processes =>
      eventually(async () => {
        for (const [role, mark] of Object.entries(processes)) {
          if (mark && (await isAlive(mark))) throw new Error(`${role} (process ${mark.pid}) is still alive`)
        }
        if (await answers(url)) throw new Error(`something still answers at ${url}`)
      }),
  }
}

/** Starts a script of the stack; a test that ends early takes it along. */
export function runScript(name: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const script = startProcess([process.execPath, `scripts/stack/${name}.ts`, ...args], {
    env: cleanEnvironment(env),
    endsWith: 'exit',
  })
  onTestFinished(() => script.kill('SIGKILL'))
  return script
}

/** Whether anything answers HTTP there, whatever it says. */
export async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2_000) }).then(
    () => true,
    () => false,
  )
}
