// `npm run smoke`: it passes on a stack that works, fails on one that does not, and leaves nothing behind.

import { access, chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { eventually } from '../../helpers/eventually.ts'
import { answers, runScript, site } from '../../helpers/script.ts'

// Whole stacks, beside other tests: the limit is for what hangs, not for what is slow.
vi.setConfig({ testTimeout: 180_000 })

/** A server that is not the app. */
async function impostor(listener: RequestListener): Promise<string> {
  const port = await freePort()
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${port}`
}

test('smoke brings a stack up, finds it well, and leaves nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-smoke-'))
  await chmod(folder, 0o755)
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [state, port] = [join(folder, 'smoke'), await freePort()]
  const { code, output } = await runScript('smoke', ['--embedded', '--state', state, '--port', `${port}`]).ended
  expect(output).toMatch(/register again +POST \/api\/v1\/auth\/register +409/)
  expect(output).toMatch(/login, wrong password +POST \/api\/v1\/auth\/login +401/)
  expect(output).toContain('public.users')
  expect(output).toContain('smoke: 8 passed, 0 failed')
  expect(code).toBe(0)
  await expect(access(state)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await answers(`http://127.0.0.1:${port}`)).toBe(false)
})

test('an interrupted smoke leaves nothing either', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-smoke-'))
  await chmod(folder, 0o755)
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const state = join(folder, 'smoke')
  const smoke = runScript('smoke', ['--embedded', '--state', state])
  await eventually(() => expect(smoke.output).toContain('applied'), { timeout: 30_000 })
  smoke.child.kill('SIGTERM')
  expect((await smoke.ended).code).toBe(143)
  await expect(access(state)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('smoke takes a running stack with --url, and leaves it running', async () => {
  const { up, url } = await site()
  await up()
  const { code, output } = await runScript('smoke', ['--url', url]).ended
  expect(output).toContain('smoke: 7 passed, 0 failed')
  expect(output).toContain('set DATABASE_URL')
  expect(code).toBe(0)
  expect((await fetch(`${url}/health`)).status).toBe(200)
})

test('smoke fails on answers that are not the expected ones', async () => {
  const url = await impostor((_, response) => response.writeHead(200).end('{"status":"healthy"}'))
  const { code, output } = await runScript('smoke', ['--url', url]).ended
  expect(output).toMatch(/✗ register again +POST \/api\/v1\/auth\/register +200 +expected 409/)
  expect(output).toContain('smoke: 1 passed, 6 failed')
  expect(code).toBe(1)
})

test('smoke leaves the data of a folder that was named alone', async () => {
  const { state } = await site()
  await mkdir(join(state, 'postgres'))
  const { code, output } = await runScript('smoke', ['--embedded', '--state', state]).ended
  expect(output).toContain('has a stack or its data')
  expect(code).toBe(2)
  await access(join(state, 'postgres'))
})

test('smoke refuses a URL that is none', async () => {
  expect(await runScript('smoke', ['--url', 'localhost:8000']).ended).toMatchObject({
    code: 2,
    output: expect.stringContaining('must be an http(s) URL'),
  })
})
