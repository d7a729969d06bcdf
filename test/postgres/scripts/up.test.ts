// `npm run up` without Docker: the same gate as compose keeps, with real processes on a port of their own.

import { spawnSync } from 'node:child_process'
import { access, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { cleanEnvironment } from '../../helpers/process.ts'
import { answers, site } from '../../helpers/script.ts'

const root = join(import.meta.dirname, '../../..')

// Whole stacks, beside other tests: the limit is for what hangs, not for what is slow.
vi.setConfig({ testTimeout: 180_000 })

const user = { email: 'someone@example.com', password: 'correct horse battery staple', full_name: 'Someone' }

function post(url: string, json: object): Promise<Response> {
  const body = JSON.stringify(json)
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

test('up ends with a healthy app on a migrated database, as a role that owns nothing', async () => {
  const { up, url, state, processes } = await site()
  const { output, lines } = await up()
  expect(output).toContain('without Docker: as asked for')
  expect(output).toContain(url)
  expect(output).toContain('npm run down')
  expect(lines.find(({ event }) => event === 'run')).toMatchObject({ exitCode: 0 })
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy', schema: 'ready' })
  expect((await post(`${url}/api/v1/auth/register`, user)).status).toBe(201)
  // Secrets are the user's alone, and only where they are meant to be.
  const secrets = join(state, 'secrets.json')
  expect((await stat(secrets)).mode & 0o777).toBe(0o600)
  const values: string[] = Object.values(JSON.parse(await readFile(secrets, 'utf8')))
  expect(values).toHaveLength(3)
  for (const secret of values) expect(output).not.toContain(secret)
  const { app } = await processes()
  const environment = await readFile(`/proc/${app?.pid}/environ`, 'utf8').catch(() => '')
  expect(environment).not.toContain(JSON.parse(await readFile(secrets, 'utf8')).ownerPassword)
})

test('npx schemagate finds the database while the stack runs', async () => {
  const { up, state } = await site()
  const { child, ended } = await up()
  const script = join(state, 'running.mjs')
  await writeFile(
    script,
    `process.argv.push('--state', '${state}'); await import('${join(root, 'scripts/stack/running-database.ts')}')`,
  )
  const env = cleanEnvironment({ SCHEMAGATE_RUNNING_STACK: script })
  const status = () => {
    const args = [join(root, 'migrator/bin/schemagate.cjs'), 'status', '--format', 'json']
    return spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' })
  }
  const { stdout, stderr } = status()
  expect(JSON.parse(stdout)).toMatchObject({ state: 'current', database: { name: 'tickets' } })
  expect(stderr).toContain('npm run up')
  child.kill('SIGINT')
  await ended
  expect(status()).toMatchObject({ status: 2, stderr: expect.stringContaining('No database is configured.') })
})

test('Ctrl-C stops all of it, and the next up keeps the data and applies nothing', async () => {
  const { up, url, processes, allGone } = await site()
  const first = await up()
  expect((await post(`${url}/api/v1/auth/register`, user)).status).toBe(201)
  const started = await processes()
  expect(Object.keys(started).sort()).toEqual(['app', 'migrator', 'postgres', 'up'])
  first.child.kill('SIGINT')
  expect(await first.ended).toMatchObject({ code: 0, output: expect.stringContaining('The stack is down') })
  await allGone(started)

  const second = await up()
  expect(second.lines.find(({ event }) => event === 'run')).toMatchObject({ applied: 0, exitCode: 0 })
  expect((await post(`${url}/api/v1/auth/register`, user)).status).toBe(409)
})

test('--fresh starts from an empty database', async () => {
  const { up, url } = await site()
  const first = await up()
  expect((await post(`${url}/api/v1/auth/register`, user)).status).toBe(201)
  first.child.kill('SIGTERM')
  await first.ended
  const { lines } = await up('--fresh')
  expect(lines.find(({ event }) => event === 'run')).not.toMatchObject({ applied: 0 })
  expect((await post(`${url}/api/v1/auth/register`, user)).status).toBe(201)
})

test('a failing migration ends up with its exit code, and the app was never started', async () => {
  const { run, url, migrations, processes, allGone } = await site()
  await migrations({ '9999_broken.sql': '-- migrate:up\ncreate table broken (id nonsense);\n' })
  const up = run('up')
  let answered = 0
  const { code, output, lines } = await Promise.race([
    up.ended,
    // Asked all the time, not once at the end: an app that came up for a moment would be seen.
    eventually(
      async () => {
        if (await answers(url)) answered++
        throw new Error('up has not ended')
      },
      { timeout: 50_000 },
    ),
  ])
  expect({ code, answered }).toEqual({ code: 5, answered: 0 })
  expect(output).toContain('nonsense')
  expect(output).toContain('the app was not started')
  expect(output).not.toContain('The stack is up')
  expect(lines.find(({ event }) => event === 'listening')).toBeUndefined()
  await expect(processes()).rejects.toMatchObject({ code: 'ENOENT' })
  await allGone({})
})

test('a second up says that one is up, and leaves it alone', async () => {
  const { up, run, url, state } = await site()
  const down = `npm run down -- --state ${state}`
  const { output } = await up()
  expect(output).toContain(`\`${down}\` from elsewhere`)
  // that command looks in the usual folder, where this stack is not
  expect(output).not.toContain('npx schemagate')
  const second = await run('up').ended
  expect(second).toMatchObject({
    code: 1,
    output: expect.stringContaining(`up already: ${url}. Stop it with \`${down}\``),
  })
  expect((await fetch(`${url}/health`)).status).toBe(200)
})

test('down stops it from elsewhere, and says so when nothing is up', async () => {
  const { up, run, url, processes, allGone } = await site()
  const running = await up()
  const started = await processes()
  const down = await run('down').ended
  expect(down).toMatchObject({ code: 0, output: expect.stringContaining(url) })
  expect((await running.ended).code).toBe(0)
  await allGone(started)
  expect(await run('down').ended).toMatchObject({ code: 0, output: expect.stringContaining('Nothing is up') })
})

test('an up that is killed outright leaves no process behind', async () => {
  const { up, processes, allGone } = await site()
  const running = await up()
  const started = await processes()
  running.child.kill('SIGKILL')
  await allGone(started)
  // And nothing that it left stands in the way of the next one.
  const again = await up()
  again.child.kill('SIGINT')
  expect((await again.ended).code).toBe(0)
})

test('an app that ends by itself ends the stack, and up fails', async () => {
  const { up, processes, allGone } = await site()
  const running = await up()
  const started = await processes()
  process.kill(started.app?.pid ?? 0, 'SIGKILL')
  expect(await running.ended).toMatchObject({ code: 1, output: expect.stringContaining('the app ended') })
  await allGone(started)
})

test('an interruption in the middle of a migration stops it, and the app was never started', async () => {
  const { run, state, migrations, processes, allGone } = await site()
  await migrations({ '9999_slow.sql': '-- migrate:up\nselect pg_sleep(600);\n' })
  const up = run('up')
  await eventually(async () => expect(await processes()).toHaveProperty('migrator'), { timeout: 30_000 })
  const owner = new pg.Client({
    ...{ host: '127.0.0.1', user: 'owner', database: 'tickets' },
    port: Number(/answers on port (\d+)/.exec(up.output)?.[1]),
    password: JSON.parse(await readFile(join(state, 'secrets.json'), 'utf8')).ownerPassword,
  })
  owner.on('error', () => {})
  await owner.connect()
  const sleeping = "select 1 from pg_stat_activity where pid <> pg_backend_pid() and query like '%pg_sleep(600)%'"
  await eventually(async () => expect((await owner.query(sleeping)).rowCount).toBe(1), { timeout: 30_000 })
  await owner.end()
  const started = await processes()
  const interrupted = performance.now()
  up.child.kill('SIGTERM')
  expect((await up.ended).code).toBe(143)
  expect(performance.now() - interrupted).toBeLessThan(10_000)
  await allGone(started)
})

test('a port that is taken is reported with its holder before anything is started', async () => {
  const { run, port, state } = await site()
  const server = createServer().listen(port, '127.0.0.1')
  try {
    const { code, output } = await run('up').ended
    expect(code).toBe(2)
    expect(output).toContain(`Port ${port} is taken by process ${process.pid}`)
    // the same stack, which has a folder of its own
    const another = port < 60_000 ? port + 80 : port - 80
    expect(output).toContain(`npm run up -- --embedded --state ${state} --port ${another}\n`)
    await expect(access(join(state, 'postgres'))).rejects.toMatchObject({ code: 'ENOENT' })
  } finally {
    server.close()
  }
})

test.for([
  [['--nonsense'], 'nonsense'],
  [['--docker'], 'exclude each other'],
  [['--port', 'http'], '--port is "http"'],
] as const)('a wrong command line (%j) is refused with what is wrong', async ([args, message]) => {
  const { run } = await site()
  expect(await run('up', ...args).ended).toMatchObject({ code: 2, output: expect.stringContaining(message) })
})
