// docker/wait-for-gate, with each of the three tools that it can ask with, in a shell that has no other.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

function find(tool: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map(directory => join(directory, tool))
    .find(path => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** A PATH with nothing but these. */
async function pathWith(...tools: string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'schemagate-path-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  for (const tool of tools) await symlink(find(tool)!, join(directory, tool))
  return directory
}

/** A gate that answers 503 so often before it opens. */
async function gate(closedFor: number) {
  let asked = 0
  const server = createServer((_, response) => {
    const isOpen = asked++ >= closedFor
    response.writeHead(isOpen ? 200 : 503).end(`{"state":"${isOpen ? 'open' : 'behind'}","head":"0001_users"}`)
  })
  return { url: await listen(server), asked: () => asked }
}

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ready`
}

/** What the docker client puts into each container where its config.json names a proxy: one that knows no container. */
const proxyOfDocker = Object.fromEntries(
  ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'].map(name => [name, 'http://127.0.0.1:9']),
)

async function waitForGate(path: string, ...args: string[]) {
  return ended(start(path, ...args))
}

function start(path: string, ...args: string[]) {
  return spawn('/bin/sh', [join(root, 'docker/wait-for-gate'), ...args], { env: { PATH: path, ...proxyOfDocker } })
}

async function ended(child: ReturnType<typeof start>) {
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      output += text
    })
  const [code] = await once(child, 'close')
  return { code, output }
}

describe.for(['curl', 'wget', 'bash'])('with %s', tool => {
  test.skipIf(find(tool) === undefined)('it waits, and then becomes the command', async () => {
    const { url, asked } = await gate(2)
    const path = await pathWith(tool, 'date', 'sleep', 'echo')
    const command = ['/bin/sh', '-c', 'echo "started with $1, $http_proxy"; exit 42', '_', 'two words']
    const { code, output } = await waitForGate(path, url, '30', '--', ...command)
    expect({ code, output }).toEqual({ code: 42, output: 'started with two words, http://127.0.0.1:9\n' })
    expect(asked()).toBe(3)
  })

  test.skipIf(find(tool) === undefined)('it gives up when the time is over, also where nothing listens', async () => {
    const path = await pathWith(tool, 'date', 'sleep')
    for (const url of [(await gate(1_000)).url, 'http://127.0.0.1:9/ready']) {
      const { code, output } = await waitForGate(path, url, '1', '--', '/bin/true')
      expect(code, output).toBe(7)
      expect(output).toBe(`wait-for-gate: ${url} was not open within 1 s\n`)
    }
  })

  test.skipIf(find(tool) === undefined)('it does not wait for a connection that comes to nothing', async () => {
    const url = `http://127.0.0.1:${await silentPort()}/ready`
    const { code } = await waitForGate(await pathWith(tool, 'timeout', 'date', 'sleep'), url, '1')
    expect(code).toBe(7)
  })

  // a proxy before the gate, or another path of the gate's, which is answered also while it is closed
  test.skipIf(find(tool) === undefined)('it takes no other answer for an open gate', async () => {
    const path = await pathWith(tool, 'date', 'sleep')
    const url = await listen(
      createServer((request, response) => {
        if (request.url === '/ready') response.writeHead(302, { location: '/login' }).end()
        else response.end('<title>Log in</title>')
      }),
    )
    for (const at of [url, url.replace('ready', '')])
      expect(await waitForGate(path, at, '1', '--', '/bin/true')).toMatchObject({ code: 7 })
  })
})

/** A port on which connections are not refused, and come to nothing: of a host behind a firewall that drops them. */
async function silentPort(): Promise<number> {
  const script = `const server = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('fs').writeSync(1, String(server.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [text] = await once(child.stdout!, 'data')
  const port = Number(text)
  for (let i = 0; i < 4; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    onTestFinished(() => void socket.destroy())
  }
  await sleep(200)
  return port
}

// As a container's first process it has only the handlers that it sets: without one `docker stop` takes its ten seconds.
test.for([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s ends it while it waits, with %i', async ([signal, code]) => {
  const { url, asked } = await gate(1_000)
  const child = start(await pathWith('bash', 'date', 'sleep'), url, '30', '--', '/bin/true')
  await expect.poll(asked).toBeGreaterThan(0)
  child.kill(signal)
  expect(await ended(child)).toEqual({ code, output: '' })
})

test('with none of them it says so', async () => {
  const { code, output } = await waitForGate(await pathWith('date', 'sleep'), 'http://127.0.0.1:9/ready')
  expect([code, output]).toEqual([2, 'wait-for-gate: it needs curl, wget or bash\n'])
})
