// The embedded server: it starts as anyone, survives crashes, and leaves nothing behind.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { removeDataDir } from '../../../scripts/lib/postgres/data.ts'
import { startPostgres } from '../../../scripts/lib/postgres/server.ts'
import { commandOf } from '../../../scripts/lib/process/mark.ts'
import { eventually } from '../../helpers/eventually.ts'
import { startProcess } from '../../helpers/process.ts'
import { ownServer } from '../../helpers/server.ts'

async function ask(url: string, sql: string) {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('what was committed is still there after a crash and a restart', async () => {
  const server = await ownServer({ database: 'a database', password: "it's a p@ss/word" })
  await ask(server.url, 'create table t as select 1 as a')
  await server.crash()
  expect(server.pid).toBeUndefined()
  await expect(ask(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await server.start()
  expect(await ask(server.url, 'select a from t')).toEqual([{ a: 1 }])
  await server.restart()
  expect(await ask(server.url, 'select a from t')).toEqual([{ a: 1 }])
})

test('settings reach the server', async () => {
  const server = await ownServer({ settings: { max_connections: 17, log_statement: 'all' } })
  expect(await ask(server.url, "select current_setting('max_connections') m, current_setting('fsync') f")).toEqual([
    { m: '17', f: 'off' },
  ])
  expect(await server.log()).toContain("current_setting('max_connections')")
})

test('an existing data folder is used as it is, and another password for it is refused', async () => {
  const server = await ownServer()
  await ask(server.url, 'create table t as select 1 as a')
  await server.stop()
  const bin = inject('postgres').bin
  const again = await startPostgres({ dataDir: server.dataDir, bin, password: 'test-password', fsync: false })
  expect(await ask(again.url, 'select a from t')).toEqual([{ a: 1 }])
  await again.stop()
  await expect(startPostgres({ dataDir: server.dataDir, bin, password: 'other', fsync: false })).rejects.toThrow(
    'another password',
  )
  await expect(ask(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a second server on the same data folder is refused, and the first one is left alone', async () => {
  const server = await ownServer()
  const options = { dataDir: server.dataDir, bin: inject('postgres').bin, password: 'test-password' }
  await expect(startPostgres(options)).rejects.toThrow(`process ${server.pid}`)
  expect(await ask(server.url, 'select 1 as a')).toEqual([{ a: 1 }])
})

test('a postmaster.pid of a process that is something else by now does not stop the start', async () => {
  const server = await ownServer()
  await server.stop()
  await writeFile(join(server.dataDir, 'postmaster.pid'), `${process.pid}\n${server.dataDir}\n`)
  await server.start()
  expect(await ask(server.url, 'select 1 as a')).toEqual([{ a: 1 }])
})

test('a folder that holds something else is left alone', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), `schemagate-test-${process.pid}-`))
  onTestFinished(() => rm(dataDir, { recursive: true }))
  await writeFile(join(dataDir, 'thesis.txt'), 'years of work')
  await expect(startPostgres({ dataDir, password: 'p' })).rejects.toThrow('thesis.txt')
  expect(await readdir(dataDir)).toEqual(['thesis.txt'])
})

test('a port that is taken is named in the error', async () => {
  const server = await ownServer()
  const options = { bin: inject('postgres').bin, password: 'p', fsync: false, port: server.port }
  await expect(ownServer(options)).rejects.toThrow(/could not bind|Address already in use/)
})

test('a server under a folder that other users cannot enter works, also for root', async () => {
  const locked = await mkdtemp(join(tmpdir(), 'schemagate-locked-'))
  const dataDir = join(locked, 'deep', 'data')
  onTestFinished(async () => {
    await removeDataDir(dataDir)
    await rm(locked, { recursive: true })
  })
  await mkdir(join(locked, 'deep'))
  const server = await startPostgres({ dataDir, bin: inject('postgres').bin, password: 'p', fsync: false })
  expect(await ask(server.url, 'select 1 as a')).toEqual([{ a: 1 }])
  await server.stop()
  await removeDataDir(dataDir)
  expect(await readdir(join(locked, 'deep'))).toEqual([])
  await expect(readdir(server.dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the server goes when the process that started it is killed', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), `schemagate-test-${process.pid}-`))
  onTestFinished(() => removeDataDir(dataDir))
  const options = JSON.stringify({ dataDir, bin: inject('postgres').bin, password: 'p', fsync: false })
  const library = join(import.meta.dirname, '../../../scripts/lib/postgres/server.ts')
  const script = `const { startPostgres } = await import(${JSON.stringify(library)})
    console.log((await startPostgres(${options})).pid); setInterval(() => {}, 1000)`
  const starter = startProcess([process.execPath, '--input-type=module', '-e', script], { endsWith: 'exit' })
  onTestFinished(() => starter.kill('SIGKILL'))
  await eventually(() => expect(starter.stdout).toMatch(/\n/))
  const pid = Number(starter.stdout)
  expect(await commandOf(pid)).toContain(dataDir)
  starter.kill('SIGKILL')
  await eventually(async () => expect(await commandOf(pid)).toBeUndefined())
})

test('the password stands in no process list', async () => {
  const password = 'visible-to-nobody'
  await ownServer({ password })
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args'])
  expect(stdout).toContain('unix_socket_directories=')
  expect(stdout).not.toContain(password)
})
