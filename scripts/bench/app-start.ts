// The example app from its start to its first answer, on a migrated database with its gate open, beside a bare Fastify.

import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { buildIfStale, bundle } from '../build/if-stale.ts'
import { freePort } from '../lib/free-port.ts'
import { root } from '../lib/root.ts'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds, type Sample } from './frame/contenders.ts'
import type { Figure } from './frame/figures.ts'
import { cpuOf, runTimed } from './frame/processes.ts'
import { withServer } from './frame/server.ts'

const limit = 1.5
const main = join(root, 'app/dist/main.cjs')

const bareFastify = `import fastify from ${JSON.stringify(import.meta.resolve('fastify'))}
const app = fastify()
app.get('/health', async () => ({ status: 'healthy' }))
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
console.log(JSON.stringify({ event: 'listening' }))
`

async function appStart(): Promise<readonly Figure[]> {
  await buildIfStale()
  return withServer(async ({ database, role, work, description }) => {
    console.log(`app-start: ${description}, Node ${process.version}`)
    const owner = await database()
    const app = { name: role(), password: 'a-password-of-the-app' }
    await runTimed(
      process.execPath,
      [bundle, 'up', '--dir', join(root, 'migrator/migrations'), '--log-level', 'warn'],
      {
        ...{ DATABASE_URL: owner, SCHEMAGATE_APP_ROLE: app.name, SCHEMAGATE_APP_PASSWORD: app.password },
      },
    )
    const url = Object.assign(new URL(owner), { username: app.name, password: app.password }).href
    const cache = join(work, 'compile-cache')
    await mkdir(cache)
    const script = join(work, 'bare.mjs')
    await writeFile(script, bareFastify)
    // as the images have it
    const env = {
      NODE_ENV: 'production',
      NODE_COMPILE_CACHE: cache,
      LOG_FORMAT: 'json',
      SCHEMAGATE_MANIFEST: join(root, 'dist/manifest.json'),
    }
    const ours = new Contender(() =>
      firstAnswer(main, 'gate', { ...env, DATABASE_URL: url, JWT_SECRET: 'x'.repeat(32) }),
    )
    const bare = new Contender(() => firstAnswer(script, 'listening', env))
    // what the image does when it is built
    await promisify(execFile)(process.execPath, [join(root, 'scripts/build/app.ts')])
    for (const args of [[main], ['-e', `import('fastify')`]])
      spawnSync(process.execPath, args, { env: { PATH: process.env.PATH, ...env }, cwd: root })
    await alternate(rounds(20), [ours, bare])
    return (['cpu', 'wall'] as const).map(name => ({
      ...{
        group: 'app',
        what: `start to the first answer: ${name === 'cpu' ? 'CPU' : 'wall'}`,
        unit: 'ms' as const,
        limit,
      },
      ...{ ours: ours.middle(name), than: 'a bare Fastify', theirs: bare.middle(name) },
    }))
  })
}

/** Starts a server; asks it when it has logged this event. What counts is the time until the answer has come. */
async function firstAnswer(script: string, event: string, env: NodeJS.ProcessEnv): Promise<Sample<'wall' | 'cpu'>> {
  const port = await freePort()
  const begun = performance.now()
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env.PATH, ...env, HOST: '127.0.0.1', PORT: `${port}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (JSON.parse(line).event !== event) continue
      const { status } = await fetch(`http://127.0.0.1:${port}/health`)
      if (status !== 200) throw new Error(`${script} answered ${status}`)
      return { wall: performance.now() - begun, cpu: await cpuOf(child.pid!) }
    }
    throw new Error(`${script} ended before it answered`)
  } finally {
    child.kill('SIGKILL')
  }
}

await runBench(import.meta, appStart)
