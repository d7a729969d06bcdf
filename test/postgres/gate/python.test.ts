// The gate for Python apps (examples/python-gate), in FastAPI, Django and SQLAlchemy: closed, open, closing under requests.

import { spawnSync } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { headHash } from '../../../gate/protocol/announcement.ts'
import { requireFunctionDdl } from '../../../gate/protocol/require.ts'
import { root } from '../../../scripts/lib/root.ts'
import { test as base, type ScratchDatabase } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { cleanEnvironment, type Running, startProcess } from '../../helpers/process.ts'
import { ledgerOf, manifest, urlOf } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

const python = '/usr/bin/python3'
const modules = ['psycopg', 'fastapi', 'uvicorn', 'django', 'sqlalchemy']
const isThere = spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0
const isRequired = process.env.TEST_PYTHON === 'required'
/** Debian: python3-psycopg python3-fastapi python3-uvicorn python3-django python3-sqlalchemy. */
const test = base.skipIf(!isThere && !isRequired)

const frameworks = {
  FastAPI: `
from fastapi import FastAPI
from schemagate_gate import AsgiGate
app = FastAPI()
app.get('/health')(lambda: {'gate': gate.status[0]})
app.get('/work')(lambda: 'work')
app.get('/slow')(lambda: slow())
app.get('/query')(lambda: query())
app.add_middleware(AsgiGate, gate=gate)
import uvicorn, socket
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level='error')).run(sockets=[server])`,
  Django: `
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from schemagate_gate import WsgiGate
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='x')
answer = lambda of: lambda request: HttpResponse(of())
urlpatterns = [path('health', answer(lambda: gate.status[0])), path('work', answer(lambda: 'work')),
  path('slow', answer(slow)), path('query', answer(query))]
from wsgiref.simple_server import make_server, WSGIRequestHandler, WSGIServer
from socketserver import ThreadingMixIn
class Server(ThreadingMixIn, WSGIServer): daemon_threads = True
class Quiet(WSGIRequestHandler): log_message = lambda *_: None
server = make_server('127.0.0.1', 0, WsgiGate(get_wsgi_application(), gate), server_class=Server, handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()`,
}

/** Starts an app; /slow answers once stdin has a line. */
async function serve(framework: keyof typeof frameworks, database: ScratchDatabase) {
  const source = `
import json, sys
from schemagate_gate import Gate, GateClosed, guard_engine
from sqlalchemy import create_engine, text
gate = Gate(${JSON.stringify(database.url)}, json.loads(${JSON.stringify(JSON.stringify(app))}), poll=0.2, stale=2)
engine = guard_engine(gate, create_engine(${JSON.stringify(database.url.replace('postgres:', 'postgresql+psycopg2:'))}))
def slow():
    print('begun', flush=True)
    return sys.stdin.readline().strip()
def query():
    with engine.connect() as connection:
        return str(connection.execute(text('select 42')).scalar())
${frameworks[framework]}`
  const env = cleanEnvironment({ PYTHONPATH: join(root, 'examples/python-gate'), PYTHONDONTWRITEBYTECODE: '1' })
  const running = startProcess([python, '-c', source], { env, keepStdin: true })
  onTestFinished(() => running.kill('SIGKILL'))
  await eventually(() => expect(running.stdout, running.stderr).toMatch(/^\d+\n/), { timeout: 20_000 })
  const port = Number.parseInt(running.stdout, 10)
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text(), retry: response.headers.get('retry-after') }
  }
  return { running, get }
}

const begun = (running: Running) => eventually(() => expect(running.stdout).toContain('begun'))

const announced = async (database: ScratchDatabase) =>
  (
    await database.query<{ application_name: string }>(
      "select application_name from pg_stat_activity where datname = current_database() and application_name like 'schemagate:%'",
    )
  ).rows.map(row => row.application_name)

/** Starts a process with a gate that prints its state at each change; it stays open for a second after each answer. */
async function watching(url: string, before = ''): Promise<Running> {
  const source = `
import json, sys, time
from schemagate_gate import Gate
${before}
gate = Gate(${JSON.stringify(url)}, json.loads(${JSON.stringify(JSON.stringify(app))}), poll=0.2, stale=1)
last = None
while True:
    state = gate.status[0]
    if state != last: print(state, flush=True)
    last = state
    time.sleep(0.02)`
  const env = cleanEnvironment({ PYTHONPATH: join(root, 'examples/python-gate'), PYTHONDONTWRITEBYTECODE: '1' })
  const running = startProcess([python, '-c', source], { env })
  onTestFinished(() => running.kill('SIGKILL'))
  return running
}

async function migrated(database: ScratchDatabase): Promise<void> {
  const ledger = ledgerOf(database)
  await ledger.create()
  await database.query(requireFunctionDdl('schemagate'))
  await ledger.applyQuietly('0001_users', '0002_tickets')
}

// what waits with `select`, as psycopg may, takes no descriptor beyond 1023
test('Python: goes on to ask after an error that is none of the database', async ({ database }) => {
  await migrated(database)
  const many = 'import os, threading; held = [os.dup(0) for _ in range(1100)]'
  const running = await watching(database.url, `${many}; threading.Timer(2, lambda: list(map(os.close, held))).start()`)
  await eventually(() => expect(running.stdout).toMatch(/open\n$/))
  await pause(1_500)
  expect(running.stdout).toMatch(/open\n$/)
  expect(running.stderr).not.toMatch(/Traceback/)
})

test('Python: connects again where its connection has gone silent', async ({ database }) => {
  await migrated(database)
  const { hostname, port } = new URL(database.url)
  const silent = new Set<() => void>()
  const proxy = createServer(client => {
    const server = connect(Number(port), hostname)
    const cut = () => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on('error', cut).on('close', cut)
    client.pipe(server).pipe(client)
    silent.add(() => server.unpipe(client))
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const address = Object.assign(new URL(database.url), { host: new URL(urlOf(proxy as never)).host })
  const running = await watching(address.href)
  await eventually(() => expect(running.stdout).toMatch(/open\n$/))
  for (const hush of silent) hush()
  await eventually(() => expect(running.stdout).toMatch(/open\nunreachable\nopen\n$/))
  expect(running.stderr).toBe('')
})

test('Python: closed by its app, a gate lets nothing in, and is there for a migrator until what is inside has ended', async ({
  database,
}) => {
  await migrated(database)
  const source = `
import json, sys, threading
from schemagate_gate import Gate, GateClosed
gate = Gate(${JSON.stringify(database.url)}, json.loads(${JSON.stringify(JSON.stringify(app))}))
gate.wait()
with gate.inside():
    closing = threading.Thread(target=gate.close)
    closing.start()
    closing.join(0.5)
    print('entered' if gate.enter() else gate.status[1], flush=True)
    try: gate.wait()
    except GateClosed: print('gives up', flush=True)
    sys.stdin.readline()
closing.join()
print('ended', flush=True)`
  const env = cleanEnvironment({ PYTHONPATH: join(root, 'examples/python-gate'), PYTHONDONTWRITEBYTECODE: '1' })
  const running = startProcess([python, '-c', source], { env, keepStdin: true })
  onTestFinished(() => running.kill('SIGKILL'))
  const refused = 'The gate was closed by the app itself.\ngives up\n'
  await eventually(() => expect(running.stdout, running.stderr).toBe(refused))
  expect(await announced(database)).toEqual([`schemagate:${headHash('0002_tickets')}:0002_tickets`])
  running.child.stdin?.write('go\n')
  await eventually(() => expect(running.stdout, running.stderr).toBe(`${refused}ended\n`))
  await eventually(async () => expect(await announced(database)).toEqual([]))
})

for (const framework of ['FastAPI', 'Django'] as const)
  test(`${framework}: refuses behind a closed gate, and a breaking migration waits for the requests inside`, async ({
    database,
  }) => {
    const { running, get } = await serve(framework, database)
    await eventually(async () => expect((await get('/health')).text).toContain('unmigrated'))
    expect(await get('/work')).toMatchObject({ status: 503, retry: '1', text: expect.stringContaining('no ledger') })
    expect((await get('/nowhere')).status).toBe(503)

    const ledger = ledgerOf(database)
    await ledger.create()
    await database.query(requireFunctionDdl('schemagate'))
    await eventually(async () => expect((await get('/work')).text).toContain('lacks 0001_users'))
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await eventually(async () => expect((await get('/work')).status).toBe(200))
    expect((await get('/query')).text).toContain('42')
    expect(await announced(database)).toEqual([`schemagate:${headHash('0002_tickets')}:0002_tickets`])

    const inside = get('/slow')
    await begun(running)
    const asked = performance.now()
    await ledger.applyQuietly({ name: '0003_breaking', breaking: true })
    await eventually(async () => expect((await get('/work')).status).toBe(503))
    expect(performance.now() - asked).toBeLessThan(1_500)
    expect(await get('/health')).toMatchObject({ status: 200, text: expect.stringContaining('too-old') })
    // the request that is inside still counts for the migrator
    expect(await announced(database)).toEqual([`schemagate:${headHash('0002_tickets')}:0002_tickets`])
    running.child.stdin?.write('finished\n')
    expect(await inside).toMatchObject({ status: 200, text: expect.stringContaining('finished') })
    await eventually(async () => expect(await announced(database)).toEqual(['schemagate:drained']))

    await database.query("delete from schemagate.ledger where name = '0003_breaking'")
    await eventually(async () => expect((await get('/query')).status).toBe(200))
    expect(await announced(database)).toEqual([`schemagate:${headHash('0002_tickets')}:0002_tickets`])
    await database.query('drop schema schemagate cascade')
    await eventually(async () => expect((await get('/work')).status).toBe(503))
    expect(running.stderr).not.toMatch(/Traceback/)
  })
