// Starting and stopping: wrong settings end it at once, a signal ends it soon, and no request under way is lost.

import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect, createServer } from 'node:net'
import { describe, expect, onTestFinished } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { healthy, type RunningApp, spawnApp, startApp, test } from '../../helpers/app-process.ts'
import { eventually } from '../../helpers/eventually.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const registration = (i: number) => ({
  email: `stop${i}-${crypto.randomUUID()}@example.org`,
  password: 'a good password',
  full_name: 'Some One',
})

/** Tells the app to stop, and how long that took. */
async function stop(app: RunningApp, signal: NodeJS.Signals = 'SIGTERM') {
  const started = performance.now()
  app.child.kill(signal)
  const ended = await app.ended
  return { ...ended, duration: performance.now() - started }
}

describe('an app that cannot start', () => {
  test('names all that is wrong with its settings and exits with 2', async () => {
    const app = spawnApp({ DATABASE_URL: 'nonsense', PORT: 'many', JWT_SECRET: 'short' })
    expect(await app.ended).toMatchObject({ code: 2, signal: null })
    for (const name of ['DATABASE_URL', 'PORT', 'JWT_SECRET']) expect(app.stderr).toContain(name)
  })

  test('for want of a manifest says how to make one and exits with 2', async () => {
    const app = spawnApp({
      DATABASE_URL: 'postgresql://app@127.0.0.1:9/x',
      SCHEMAGATE_MANIFEST: '/nowhere/manifest.json',
    })
    expect(await app.ended).toMatchObject({ code: 2, signal: null })
    expect(app.stderr).toContain('/nowhere/manifest.json')
    expect(app.stderr).toContain('npm run build')
  })

  test('since its port is taken says so and exits with 1', async ({ manifest }) => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = String(typeof address === 'object' ? address?.port : 0)
    const app = spawnApp({ DATABASE_URL: 'postgresql://app@127.0.0.1:9/x', SCHEMAGATE_MANIFEST: manifest, PORT: port })
    expect(await app.ended).toMatchObject({ code: 1, signal: null })
    expect(app.lines.at(-1)?.msg).toContain(port)
    other.close()
  })
})

test('an app whose log cannot be written, as on a full disk, serves and stops all the same', async ({ manifest }) => {
  const port = await freePort()
  const nowhere = { DATABASE_URL: 'postgresql://app@127.0.0.1:9/x', SCHEMAGATE_MANIFEST: manifest }
  const app = spawnApp({ ...nowhere, PORT: String(port) }, ['sh', '-c', 'exec "$@" >/dev/full', 'sh'])
  onTestFinished(() => void app.child.kill('SIGKILL'))
  await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200))
  app.child.kill('SIGTERM')
  expect(await app.ended).toMatchObject({ code: 0, signal: null })
})

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', signal => {
  test('ends an idle app within a second, with exit code 0', async ({ app: { env } }) => {
    const app = await startApp(env)
    await healthy(app)
    const { duration, ...ended } = await stop(app, signal)
    expect(ended).toMatchObject({ code: 0, signal: null })
    expect(duration).toBeLessThan(1_000)
    expect(app.lines.map(({ level, event }) => [level, event]).slice(-2)).toEqual([
      ['info', 'stopping'],
      ['info', 'stopped'],
    ])
  })

  test('ends an app as quickly that has no database', async ({ manifest }) => {
    const app = await startApp({ DATABASE_URL: 'postgresql://app@127.0.0.1:9/x', SCHEMAGATE_MANIFEST: manifest })
    const { duration, ...ended } = await stop(app, signal)
    expect(ended).toMatchObject({ code: 0, signal: null })
    expect(duration).toBeLessThan(1_000)
  })
})

describe('an app that is told to stop', () => {
  test('with a delay goes on serving for that long, says so on /health, and closes each connection', async ({
    app: { env },
  }) => {
    const app = await startApp({ ...env, SHUTDOWN_DELAY_MS: '1500' })
    await healthy(app)
    const stopping = stop(app)
    await eventually(async () => expect((await app.request('GET', '/health')).status).toBe(503))
    expect((await app.request('GET', '/health')).get('reason')).toBe('The app is stopping.')
    const answer = await app.request('GET', '/docs/json')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('connection')).toBe('close')
    const { duration, ...ended } = await stopping
    expect(ended).toMatchObject({ code: 0, signal: null })
    expect(duration).toBeGreaterThan(1_400)
  })

  test('answers the requests under way, tells their clients to reconnect, and takes no more', async ({
    app: { env },
  }) => {
    const app = await startApp(env)
    await healthy(app)
    // Eight hashes, two at a time: when the first has been answered, the others have long arrived.
    const answers = Array.from({ length: 8 }, (_, i) =>
      app.request('POST', '/api/v1/auth/register', { body: registration(i) }),
    )
    await Promise.race(answers)
    const stopped = stop(app)
    const all = await Promise.all(answers)
    expect(all.map(({ status }) => status)).toEqual(Array(8).fill(201))
    expect(all.filter(({ headers }) => headers.get('connection') === 'close').length).toBeGreaterThanOrEqual(4)
    expect(await stopped).toMatchObject({ code: 0, signal: null })
    await expect(app.request('GET', '/health/live')).rejects.toThrow()
  })

  test('is not held up by connections that send nothing, half a request, or wait for another', async ({
    app: { env },
  }) => {
    const app = await startApp(env)
    await healthy(app)
    const port = Number(new URL(app.url).port)
    const silent = connect(port, '127.0.0.1')
    const half = connect(port, '127.0.0.1')
    for (const socket of [silent, half]) {
      socket.on('error', () => {})
      await once(socket, 'connect')
    }
    half.write('GET /heal')
    const agent = new Agent({ keepAlive: true })
    await new Promise<void>((resolve, reject) => {
      get(`${app.url}/health`, { agent }, response => response.resume().on('end', resolve)).on('error', reject)
    })
    const { duration, code } = await stop(app)
    expect(code).toBe(0)
    expect(duration).toBeLessThan(1_000)
    agent.destroy()
  })

  test('is not held up by a database that has stopped answering', async ({ app: { env } }) => {
    const proxy = await tcpProxy(env.DATABASE_URL)
    const app = await startApp({ ...env, DATABASE_URL: proxy.url(env.DATABASE_URL) })
    await healthy(app)
    proxy.pause()
    const { duration, code } = await stop(app)
    expect(code).toBe(0)
    expect(duration).toBeLessThan(1_000)
  })

  test('before it listens ends all the same', async ({ app: { env } }) => {
    const app = spawnApp({ ...env, JWT_SECRET: undefined })
    // The first line is written before anything is opened.
    await eventually(() => expect(app.lines.length).toBeGreaterThan(0))
    app.child.kill('SIGTERM')
    expect(await app.ended).toMatchObject({ code: 0, signal: null })
  })
})
