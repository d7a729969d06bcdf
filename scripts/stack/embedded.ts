// The example stack without Docker: Postgres, then the migrator, and the app only if the migrator exits 0.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildIfStale, bundle } from '../build/if-stale.ts'
import { removeDataDir } from '../lib/postgres/data.ts'
import { type EmbeddedPostgres, startPostgres } from '../lib/postgres/server.ts'
import { dieWithUs } from '../lib/process/die-with-us.ts'
import { root } from '../lib/root.ts'
import { claim, type RunningRecord } from './running.ts'
import { stackSecrets } from './secrets.ts'

export interface EmbeddedStackOptions {
  /** The folder for data, secrets and the record of what runs. */
  readonly state: string
  readonly port: number
  /** Starts from an empty database. */
  readonly fresh: boolean
  readonly say: (text: string) => void
  /** Where the app's log goes: the terminal, or an open file. */
  readonly appOutput: 'inherit' | number
  /** Ends the start, cleaning up what was begun. */
  readonly signal: AbortSignal
}

export interface EmbeddedStack {
  readonly url: string
  readonly postgres: EmbeddedPostgres
  /** The owner's connection, as the migrator's commands take it from the environment. */
  readonly ownerEnvironment: NodeJS.ProcessEnv
  /** Settles, with the reason, when a part of it ends without having been stopped. */
  readonly broken: Promise<string>
  stop(how?: 'fast' | 'immediate'): Promise<void>
}

/** The migrator failed, and so the app was not started. */
export class MigratorFailed extends Error {
  readonly exitCode: number
  constructor(exitCode: number) {
    super(`The migrator ended with exit code ${exitCode}, so the app was not started.`)
    this.exitCode = exitCode
  }
}

const user = { owner: 'owner', app: 'app' }
const database = 'tickets'

/** Starts it all and waits until the app is healthy; what was begun is stopped again if that fails. */
export async function startEmbeddedStack(options: EmbeddedStackOptions): Promise<EmbeddedStack> {
  const { state, port, fresh, say, signal } = options
  const url = `http://127.0.0.1:${port}`
  const record = await claim(state, url)
  const undo: ((how?: 'fast' | 'immediate') => Promise<void>)[] = [() => record.remove()]
  let stopping = false
  const stop = async (how?: 'fast' | 'immediate') => {
    stopping = true
    // Each step can be repeated: an impatient stop may overtake a patient one.
    for (const step of undo.toReversed()) await step(how)
  }
  try {
    const took = await buildIfStale()
    if (took !== undefined) say(`Built the migrator in ${took} ms.`)
    signal.throwIfAborted()
    const dataDir = join(state, 'postgres')
    if (fresh) await removeDataDir(dataDir)
    const secrets = await stackSecrets(state)
    const postgres = await startPostgres({ dataDir, user: user.owner, password: secrets.ownerPassword, database })
    undo.push(how => postgres.stop(how))
    await record.add('postgres', postgres.pid)
    say(`Postgres ${postgres.version} answers on port ${postgres.port}; its data is in ${dataDir}.`)

    const connection = { PGHOST: postgres.host, PGPORT: `${postgres.port}`, PGDATABASE: database }
    const ownerEnvironment = { ...connection, PGUSER: user.owner, PGPASSWORD: secrets.ownerPassword }
    await record.connection(ownerEnvironment)
    await migrate({
      environment: {
        ...ownerEnvironment,
        SCHEMAGATE_APP_ROLE: user.app,
        SCHEMAGATE_APP_PASSWORD: secrets.appPassword,
      },
      record,
      signal,
    })
    const manifest = await writeManifest(state, ownerEnvironment)
    signal.throwIfAborted()

    const app = run([join(root, 'app/main.ts')], options.appOutput, {
      ...connection,
      PGUSER: user.app,
      PGPASSWORD: secrets.appPassword,
      JWT_SECRET: secrets.jwtSecret,
      SCHEMAGATE_MANIFEST: manifest,
      HOST: '127.0.0.1',
      PORT: `${port}`,
    })
    undo.push(how => end(app, how === 'immediate' ? 'SIGKILL' : 'SIGTERM'))
    await record.add('app', app.pid)
    const appEnded = ended(app).then(code => `the app ended with exit code ${code}`)
    const broken = Promise.race([appEnded, postgres.ended.then(() => 'Postgres ended')])
    await untilHealthy({ url, appEnded, signal, say })
    return {
      url,
      postgres,
      ownerEnvironment,
      broken: broken.then(why => (stopping ? new Promise(() => {}) : why)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Runs a command of the migrator to its end and returns what it printed. */
export async function schemagate(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [bundle, ...args], {
    cwd: root,
    env: clean(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`schemagate ${args.join(' ')} failed (exit ${child.exitCode}).\n${stderr}`)
  return stdout
}

interface Migration {
  readonly environment: NodeJS.ProcessEnv
  readonly record: RunningRecord
  readonly signal: AbortSignal
}

/** `schemagate up`, its output shown as it comes. An interruption goes on to it, and it rolls back. */
async function migrate({ environment, record, signal }: Migration): Promise<void> {
  signal.throwIfAborted()
  const migrator = run([bundle, 'up'], 'inherit', environment)
  const interrupt = () => migrator.kill('SIGTERM')
  signal.addEventListener('abort', interrupt)
  try {
    await record.add('migrator', migrator.pid)
    const code = await ended(migrator)
    signal.throwIfAborted()
    if (code !== 0) throw new MigratorFailed(typeof code === 'number' ? code : 1)
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}

/** What the app is built with, made from the files that the migrator has just applied. */
async function writeManifest(state: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const file = join(state, 'manifest.json')
  await mkdir(state, { recursive: true })
  await writeFile(file, await schemagate(['manifest'], environment))
  return file
}

/** A Node program of ours in a process group of its own, so that Ctrl-C reaches it only through us. */
function run(args: readonly string[], output: 'inherit' | number, environment: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: clean(environment),
    stdio: ['ignore', output, output],
    detached: true,
  })
  child.on('error', () => {})
  dieWithUs(child, 'TERM')
  return child
}

/** The caller's environment without connections and secrets of its own, which could lead to another database. */
function clean(added: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = /^(PG[A-Z]+|DATABASE_URL.*|JWT_SECRET.*|HOST|PORT|SCHEMAGATE_(?!DIR$).*)$/
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))), ...added }
}

async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null)
    await Promise.race([once(child, 'exit'), once(child, 'error')])
  return child.exitCode ?? child.signalCode ?? 1
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const insist = setTimeout(() => child.kill('SIGKILL'), 10_000)
  child.kill(signal)
  await ended(child)
  clearTimeout(insist)
}

interface Wait {
  readonly url: string
  readonly appEnded: Promise<string>
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** Waits until the app says that it is healthy; if that takes a while, says why. */
async function untilHealthy({ url, appEnded, signal, say }: Wait): Promise<void> {
  const started = Date.now()
  let told = ''
  let over: string | undefined
  void appEnded.then(why => {
    over = why
  })
  let last = 'it does not answer'
  while (over === undefined) {
    signal.throwIfAborted()
    try {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })
      if (response.ok) return
      last = await response.text()
    } catch {
      // Not listening yet.
    }
    const spent = Date.now() - started
    if (spent > 60_000) throw new Error(`The app was not healthy within a minute: ${last}`)
    if (spent > 3_000 && last !== told) {
      told = last
      say(`Waiting for the app: ${last}`)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`The stack did not come up: ${over}.`)
}
