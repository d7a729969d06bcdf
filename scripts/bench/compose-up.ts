// `docker compose up` from nothing to the first answer, beside the same compose file with a migrator and an app that do
// nothing: the difference is what our own steps take.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { $ } from 'zx'
import { untilSignal } from '../lib/command/until-signal.ts'
import { freePort } from '../lib/free-port.ts'
import { isolatedEnvironment } from '../lib/isolated-environment.ts'
import { root } from '../lib/root.ts'
import { whyNoStack } from '../stack/ways.ts'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds } from './frame/contenders.ts'
import type { Figure } from './frame/figures.ts'

const limit = 1.15
/** Milliseconds after which an app that does not serve never will. */
const timeout = 60_000
const environment = isolatedEnvironment('bench')

const situations = {
  empty: 'from nothing to the first answer',
  existing: 'the same on an existing volume',
  again: 'up -d with nothing to do',
} as const

type Situation = keyof typeof situations

const trivialApp = `require('node:http').createServer((request, response) => {
  response.writeHead(request.url === '/health' ? 200 : 201).end()
}).listen(process.env.PORT, () => console.log(JSON.stringify({ event: 'listening' })))`

const trivialSteps = JSON.stringify({
  services: {
    migrator: { entrypoint: ['node', '-e', '0'], command: [] },
    app: { entrypoint: ['node', '-e', trivialApp] },
  },
})

async function composeUp(): Promise<readonly Figure[]> {
  const why = await whyNoStack()
  if (why !== undefined) {
    console.log(`compose: skipped, since ${why}`)
    return []
  }
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-bench-'))
  const signals = untilSignal()
  try {
    const overlay = join(folder, 'trivial.yml')
    await writeFile(overlay, trivialSteps)
    await using ours = await openStack('ours', [], '"event":"gate","state":"open"', signals.aborted)
    await using trivial = await openStack('trivial', [overlay], '"event":"listening"', signals.aborted)
    console.log(`compose: ${await versions()}, Node ${process.version}`)
    await ours.build()
    const [a, b] = [ours, trivial].map(stack => new Contender<Situation>(() => measure(stack))) as [
      Contender<Situation>,
      Contender<Situation>,
    ]
    await alternate(rounds(5), [a, b])
    return Object.entries(situations).map(([name, what]) => ({
      ...{ group: 'compose', what: `${what}: wall`, unit: 'ms' as const, limit },
      ...{ ours: a.middle(name as Situation), than: 'trivial steps', theirs: b.middle(name as Situation) },
    }))
  } catch (error) {
    if (signals.aborted.aborted) throw new Error('Interrupted; what was started is removed.')
    throw error
  } finally {
    signals.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Through all three situations once. */
async function measure(stack: Stack): Promise<Record<Situation, number>> {
  const empty = await stack.untilFirstAnswer()
  const again = await stack.up()
  await stack.down()
  const existing = await stack.untilFirstAnswer()
  await stack.down({ volumes: true })
  return { empty, existing, again: again.end - again.begin }
}

interface Stack extends AsyncDisposable {
  build(): Promise<void>
  /** `up -d`. In milliseconds since 1970, as the engine's own clock. */
  up(): Promise<{ readonly begin: number; readonly end: number }>
  /** The same, and the milliseconds until the app has logged that it serves. */
  untilFirstAnswer(): Promise<number>
  down(options?: { readonly volumes: boolean }): Promise<void>
}

/** A compose project of its own, without what an earlier one of that name has left. It is removed with its volume. */
async function openStack(
  name: string,
  overlays: readonly string[],
  serving: string,
  signal: AbortSignal,
): Promise<Stack> {
  const files = ['docker-compose.yml', ...overlays].flatMap(file => ['-f', file])
  const project = `schemagate-bench-${name}`
  const base = ['--env-file', '/dev/null', '-p', project, ...files]
  const env = { ...environment, APP_PORT: `${await freePort()}` }
  const run = $({ cwd: root, env, quiet: true })

  const compose = async (...args: readonly string[]) => {
    signal.throwIfAborted()
    return (await run({ signal })`docker compose ${base} ${args}`).stdout
  }
  const stack: Stack = {
    async build() {
      await compose('build', '--quiet')
    },
    async up() {
      const begin = Date.now()
      await compose('up', '--detach', '--no-build', '--quiet-pull')
      return { begin, end: Date.now() }
    },
    async untilFirstAnswer() {
      const { begin } = await stack.up()
      for (;;) {
        // to ask meanwhile would take processor time from the app's start
        await pause(1_500, undefined, { signal })
        const { stdout } = await run({ signal })`docker logs --timestamps ${project}-app-1`
        const line = stdout.split('\n').find(text => text.includes(serving))
        if (line !== undefined) return Date.parse(line.slice(0, line.indexOf(' '))) - begin
        if (Date.now() - begin > timeout) throw new Error(`${project}: the app does not serve\n${stdout}`)
      }
    },
    async down({ volumes } = { volumes: false }) {
      await compose('down', ...(volumes ? ['--volumes'] : []))
    },
    async [Symbol.asyncDispose]() {
      await run`docker compose ${base} down --volumes --remove-orphans`
    },
  }
  await stack[Symbol.asyncDispose]()
  return stack
}

async function versions(): Promise<string> {
  const quietly = $({ quiet: true })
  const [engine, compose] = await Promise.all([
    quietly`docker version --format ${'{{.Server.Version}}'}`,
    quietly`docker compose version --short`,
  ])
  return `Docker Engine ${engine.stdout.trim()}, Compose ${compose.stdout.trim()}`
}

await runBench(import.meta, composeUp)
