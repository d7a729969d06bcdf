// One deploy or restore of a project at a time on an engine, from whatever checkout or machine. The lock is a container with
// a name of its own: it reads from its holder, and so it ends with a holder that was killed outright, too.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { UsageError } from '../lib/command/options.ts'
import type { Production } from './production.ts'

/** Milliseconds that the engine may take to remove the lock of one that was killed. */
const removal = 10_000
const holderLabel = 'schemagate.holder'

/** Runs `work` while no other one of the project runs. @throws UsageError if one does. */
export async function exclusively<T>(production: Production, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(production)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function takeLock(production: Production): Promise<() => Promise<void>> {
  const { project, signal } = production.options
  const name = `${project}-deploy-lock`
  const { services } = await production.config()
  // Postgres' image: the deploy or restore needs it anyway.
  const image = services.postgres?.image ?? ''
  const deadline = performance.now() + removal
  for (;;) {
    const lock = await hold(name, image)
    if ('release' in lock) return lock.release
    if (!/name "\/?\S+" is already in use/.test(lock.why))
      throw new Error(`The lock of ${project}, a container of ${image}, could not be started.\n${lock.why}`)
    if (performance.now() > deadline)
      throw new UsageError(
        `Another deploy or restore of ${project} is under way (${await holderOf(production, name)}). If it is not, remove its lock: docker rm --force ${name}`,
      )
    await pause(250, undefined, { signal })
  }
}

/** Starts the lock's container. What comes back from it says that it runs. */
async function hold(
  name: string,
  image: string,
): Promise<{ readonly release: () => Promise<void> } | { readonly why: string }> {
  const holder = `${holderLabel}=process ${process.pid} on ${hostname()}`
  const confined = ['--network', 'none', '--read-only', '--cap-drop', 'ALL', '--user', '65534', '--entrypoint', 'cat']
  const args = ['run', '--rm', '--interactive', '--name', name, '--label', holder, ...confined, image]
  // In a group of its own: Ctrl-C ends what is done under the lock first.
  const container = spawn('docker', args, { stdio: 'pipe', detached: true })
  const ended = new Promise<void>(resolve => container.once('close', () => resolve()))
  let why = ''
  container.on('error', error => {
    why += error.message
  })
  container.stderr.on('data', text => {
    why += text
  })
  container.stdin.on('error', () => {})
  container.stdin.write('held\n')
  const isHeld = await Promise.race([once(container.stdout, 'data').then(() => true), ended.then(() => false)])
  if (!isHeld) return { why: why.trim() }
  return {
    release: async () => {
      container.stdin.end()
      await Promise.race([ended, pause(removal, undefined, { ref: false })])
      container.kill()
    },
  }
}

async function holderOf(production: Production, name: string): Promise<string> {
  const format = `{{index .Config.Labels "${holderLabel}"}}, since {{.State.StartedAt}}`
  const { exitCode, stdout } = await production.docker(['inspect', '--format', format, name])
  return exitCode === 0 ? stdout.trim() : 'its lock has just gone'
}
