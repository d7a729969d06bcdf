// `npm run smoke`: brings the stack up as a stranger would, and asks it with curl whether it works.

import { existsSync } from 'node:fs'
import { open, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import waitOn from 'wait-on'
import { UsageError } from '../lib/command/options.ts'
import { report } from '../lib/command/report.ts'
import { untilSignal } from '../lib/command/until-signal.ts'
import { freePort } from '../lib/free-port.ts'
import { removeDataDir } from '../lib/postgres/data.ts'
import { type DockerStack, dockerStack } from './docker.ts'
import { schemagate, startEmbeddedStack } from './embedded.ts'
import { portOption, type StackOptions, stackOptions } from './options.ts'
import { AlreadyUp, readRunning, requireWritable } from './running.ts'
import { type Answer, checks, haveCurl } from './smoke-checks.ts'
import { chooseWay } from './ways.ts'

const help = `
Usage: npm run smoke -- [options]

Brings up a stack of its own, empty and apart from yours, waits until it is healthy, sends it requests with curl, lists
the tables that exist, and takes down what it brought up. Exits with 0 only if every answer is the expected one.

  --url URL         take the stack that runs there, and leave it running; the tables are listed if DATABASE_URL is set
  --docker          only with Docker
  --embedded        only without Docker
  --port PORT       where its app answers (default: any free port)
  --state FOLDER    where the embedded way keeps its data (default: .schemagate/smoke)
  --project NAME    the name of its compose project (default: schemagate-smoke)
`

/** A stack to be tested. */
interface Subject {
  readonly url: string
  /** `status --format json` of its database; undefined without access to it. */
  readonly status: (() => Promise<string>) | undefined
  /** Shows what helps when a check failed. */
  tell(): Promise<void>
  /** Takes down what was brought up, and nothing else. */
  down(): Promise<void>
}

await report(async () => {
  const defaults = { state: '.schemagate/smoke', project: 'schemagate-smoke' }
  const options = stackOptions(help, { ...portOption, url: { type: 'string' } }, defaults)
  if (!options) return 0
  if (!(await haveCurl())) throw new UsageError('curl is not installed, and the smoke test sends its requests with it.')
  const signals = untilSignal()
  try {
    const subject = await subjectFor(options, signals.aborted)
    let failed = 1
    try {
      failed = await examine(subject, signals.aborted)
      if (failed > 0) await subject.tell()
    } finally {
      await subject.down()
    }
    return signals.aborted.aborted ? signals.exitCode : failed > 0 ? 1 : 0
  } catch (error) {
    if (signals.aborted.aborted) return signals.exitCode
    throw error
  } finally {
    signals.close()
  }
})

async function subjectFor(options: StackOptions, signal: AbortSignal): Promise<Subject> {
  const { url } = options.given
  if (url !== undefined) {
    const without = ['docker', 'embedded', 'port', 'state', 'project'].find(name => name in options.given)
    if (without !== undefined) throw new UsageError(`--${without} has no effect with --url.`)
    return running(String(url))
  }
  const { way, why } = await chooseWay(options.way, console.log)
  const port = options.port ?? (await freePort())
  console.log(way === 'docker' ? `Smoke test with Docker: ${why}.` : `Smoke test without Docker: ${why}.`)
  return way === 'docker' ? onDocker(options, port, signal) : embedded(options, port, signal)
}

/** What has a name that was given may be somebody's stack, and a smoke test removes all that it finds. @throws UsageError */
function requireEmpty(name: string, isEmpty: boolean, remove: string): void {
  if (isEmpty) return
  throw new UsageError(
    `${name} has a stack or its data, and the smoke test starts from nothing. Name another, remove it first (${remove}), or test it as it runs: --url URL.`,
  )
}

/** A stack that someone else runs. */
function running(text: string): Subject {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError(`--url is "${text}", but must be an http(s) URL.`)
  const { DATABASE_URL } = process.env
  return {
    url: url.href.replace(/\/$/, ''),
    status: DATABASE_URL ? () => schemagate(['status', '--format', 'json'], { DATABASE_URL }) : undefined,
    tell: async () => {},
    down: async () => {},
  }
}

async function onDocker({ project, given }: StackOptions, port: number, signal: AbortSignal): Promise<Subject> {
  const stack: DockerStack = dockerStack({ project, port, isolated: true })
  if (given.project !== undefined) {
    const isEmpty = !(await stack.exists()) && !(await stack.hasData())
    requireEmpty(`--project ${project}`, isEmpty, `npm run down -- --project ${project} --volumes`)
  }
  const down = () => stack.down({ volumes: true })
  // What an earlier, killed run left behind would not be empty.
  await down()
  try {
    const result = await stack.up(signal)
    signal.throwIfAborted()
    if (!result.ok) throw new Error(result.why)
    return {
      url: result.url,
      status: () => stack.schemagate('status', '--format', 'json'),
      tell: () => stack.logs(),
      down,
    }
  } catch (error) {
    await down()
    throw error
  }
}

async function embedded({ state, given }: StackOptions, port: number, signal: AbortSignal): Promise<Subject> {
  if (given.state !== undefined) {
    const isEmpty = !existsSync(join(state, 'postgres')) && (await readRunning(state)) === undefined
    requireEmpty(`--state ${given.state}`, isEmpty, `npm run down -- --state ${given.state} --volumes`)
  }
  await requireWritable(state)
  const logFile = join(state, 'app.log')
  const log = await open(logFile, 'w', 0o600)
  const tell = async () => {
    const text = await readFile(logFile, 'utf8')
    if (text !== '') console.error(`The app's log:\n${text}`)
  }
  try {
    const stack = await startEmbeddedStack({
      ...{ state, port, signal, fresh: true },
      say: console.log,
      appOutput: log.fd,
    })
    return {
      url: stack.url,
      status: () => schemagate(['status', '--format', 'json'], stack.ownerEnvironment),
      tell,
      down: async () => {
        await stack.stop()
        await removeState(state)
      },
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof AlreadyUp)) await tell()
    if (!(error instanceof AlreadyUp)) await removeState(state)
    throw error
  } finally {
    await log.close()
  }
}

/** Removes what the stack has left in its folder, and the folder unless it holds something else. */
async function removeState(state: string): Promise<void> {
  await removeDataDir(join(state, 'postgres'))
  for (const name of ['secrets.json', 'manifest.json', 'app.log']) await rm(join(state, name), { force: true })
  await rmdir(state).catch(() => {})
}

/** Asks everything, prints each answer, and returns how many were wrong. */
async function examine({ url, status }: Subject, signal: AbortSignal): Promise<number> {
  const started = performance.now()
  // Never tcp: an open port proves nothing. Without a limit it would wait for ever.
  await waitOn({
    resources: [`${url.replace(/^http/, 'http-get')}/health`],
    timeout: 60_000,
    interval: 100,
    window: 100,
    httpTimeout: 5_000,
    proxy: false,
  })
  console.log(`${url} is healthy (waited ${Math.round(performance.now() - started)} ms)\n`)
  let [passed, failed] = [0, 0]
  const print = ({ name, request, status: code, ok, why }: Answer) => {
    if (ok) passed++
    else failed++
    console.log(`${ok ? '✓' : '✗'} ${name.padEnd(24)} ${request.padEnd(30)} ${code}${ok ? '' : `  ${why}`}`)
  }
  for await (const answer of checks(url)) {
    signal.throwIfAborted()
    print(answer)
  }
  if (status === undefined) {
    console.log("\nThe tables are not listed: set DATABASE_URL to the owner's connection for that.")
  } else {
    const { state, head, tables }: { state: string; head: string | null; tables: string[] } = JSON.parse(await status())
    const ok = state === 'current' && tables.length > 0
    print({
      name: 'schema',
      request: 'schemagate status',
      status: state,
      ok,
      why: 'the schema is not current, or has no tables',
    })
    console.log(`\nTables at ${head}:\n${tables.map(table => `  ${table}`).join('\n')}`)
  }
  console.log(`\nsmoke: ${passed} passed, ${failed} failed`)
  return failed
}
