// Parameters of a connection string whose effect only a server can show: one with TLS, and one without.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { createGate, guardPool, parseManifest } from '../../../gate/index.ts'
import { createMigrator } from '../../../migrator/index.ts'
import { serverUser } from '../../../scripts/lib/postgres/binaries.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { ownServer } from '../../helpers/server.ts'

const run = promisify(execFile)
const files = { '1_a.sql': 'create table a (id int);' }

/** A server with TLS, and its certificate: its own authority, made out to its address. */
async function tlsServer() {
  const dir = await mkdtemp(join(tmpdir(), 'schemagate-parameters-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const [key, crt] = [join(dir, 'server.key'), join(dir, 'server.crt')]
  const form = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=server'
  await run('openssl', [
    'req',
    ...form.split(' '),
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-keyout',
    key,
    '-out',
    crt,
  ])
  await chmod(dir, 0o755)
  const owner = serverUser()
  if (owner) await run('chown', [String(owner.uid), key])
  const server = await ownServer({ settings: { ssl: 'on', ssl_cert_file: crt, ssl_key_file: key } })
  return { server, dir, pem: encodeURIComponent(crt) }
}

/** What a run without a process of its own says; undefined where it went well. */
async function failure(databaseUrl: string, dir: string) {
  const { error } = await createMigrator({ databaseUrl, dir, connectTimeout: '5s' }).up()
  return error && { exitCode: error.exitCode, message: error.message }
}

test('a server with TLS is logged in to as the URL asks, or not at all', async () => {
  const { server, dir: home, pem } = await tlsServer()
  const dir = await folder(files)
  const passFile = join(home, 'pass')
  await writeFile(
    passFile,
    `# a comment\n127.0.0.1:*:other:postgres:wrong\n*:${server.port}:*:post\\gres:test-password\n`,
  )
  await chmod(passFile, 0o600)
  const other = server.url.replace('127.0.0.1', 'localhost')
  const withoutPassword = server.url.replace(':test-password', '')
  for (const url of [
    `${server.url}?ssl=require`,
    `${server.url}?requiressl=1`,
    `${server.url}?channel_binding=require`,
    `${server.url}?ssl=verify-full&sslrootcert=${pem}&channel_binding=require&require_auth=scram-sha-256`,
    `${server.url}?sslmode=require&ssl_min_protocol_version=TLSv1.3&keepalives_idle=5&keepalives_count=2`,
    `${other}?sslmode=verify-ca&sslrootcert=${pem}&hostaddr=127.0.0.1`,
    `${withoutPassword}?passfile=${passFile}`,
  ])
    expect(await failure(url, dir), url).toBeUndefined()
  if (Number(server.version.split('.')[0]) >= 17)
    expect(await failure(`${server.url}?sslmode=require&sslnegotiation=direct`, dir)).toBeUndefined()

  for (const [url, message] of [
    [`${other}?sslmode=verify-full&sslrootcert=${pem}&hostaddr=127.0.0.1`, 'is not accepted'],
    [`${server.url}?sslmode=disable&require_auth=md5,password`, 'The password was not sent'],
    [`${server.url}?require_auth=!scram-sha-256`, 'The password was not sent'],
  ] as const)
    expect(await failure(url, dir), url).toEqual({ exitCode: 9, message: expect.stringContaining(message) })
  for (const [query, message] of [
    [`sslmode=require&sslcert=${pem}`, 'has no key. Name it with sslkey=FILE'],
    [`sslmode=require&sslcert=${pem}&sslkey=${encodeURIComponent(passFile)}`, 'Do they belong together'],
    [`sslmode=verify-ca&sslrootcert=${pem}&sslcrl=/nowhere`, '/nowhere cannot be read (ENOENT)'],
    [`sslmode=verify-ca&sslrootcert=${pem}&sslcrldir=${encodeURIComponent(home)}`, 'has no list of revoked'],
  ] as const)
    expect(await failure(`${server.url}?${query}`, dir), query).toEqual({
      exitCode: 2,
      message: expect.stringContaining(message),
    })
})

test('a server without TLS is sent no password where the URL asks for TLS', async ({ database }) => {
  const dir = await folder(files)
  for (const query of ['ssl=1', 'ssl=require', 'ssl=on', 'ssl=verify-full&sslrootcert=system', 'requiressl=1'])
    expect(await failure(`${database.url}?${query}`, dir), query).toEqual({
      exitCode: 9,
      message: expect.stringContaining('does not speak TLS'),
    })
  expect(await failure(`${database.url}?channel_binding=require`, dir)).toEqual({
    exitCode: 9,
    message: expect.stringContaining('does not speak TLS, and channel_binding=require needs it'),
  })
})

test('a server that lets in without a password is refused, with the reason, where the URL demands one', async () => {
  const { server } = await tlsServer()
  await writeFile(join(server.dataDir, 'pg_hba.conf'), 'host all all 127.0.0.1/32 trust\n')
  await server.restart()
  const dir = await folder(files)
  const { stdout } = await schemagate(['manifest', '--dir', dir])
  const manifest = parseManifest(JSON.parse(stdout))
  for (const [query, message] of [
    ['sslmode=require&channel_binding=require', 'let us in without proving'],
    ['require_auth=scram-sha-256', 'asks for no password'],
  ] as const) {
    const url = `${server.url}?${query}`
    expect(await failure(url, dir), query).toEqual({ exitCode: 9, message: expect.stringContaining(message) })
    const gate = createGate({ url, manifest })
    onTestFinished(() => gate.close())
    expect(await gate.check(), query).toMatchObject({ cause: { message: expect.stringContaining(message) } })
  }
})

test('channel_binding=require holds for a gate and for the pool that it guards, too', async ({ database }) => {
  const { server } = await tlsServer()
  const dir = await folder(files)
  const { stdout } = await schemagate(['manifest', '--dir', dir])
  const manifest = parseManifest(JSON.parse(stdout))
  for (const url of [server.url, database.url]) expect(await failure(url, dir)).toBeUndefined()
  for (const [url, isOpen] of [
    [`${server.url}?sslmode=require&uselibpqcompat=true&channel_binding=require`, true],
    [`${database.url}?channel_binding=require`, false],
  ] as const) {
    const gate = createGate({ url, manifest })
    onTestFinished(() => gate.close())
    const pool = guardPool(gate, new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000 }))
    onTestFinished(() => pool.end())
    if (isOpen) {
      await gate.whenOpen({ timeout: 10_000 })
      const { rows } = await pool.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
      expect(rows).toEqual([{ ssl: true }])
    } else {
      const { state, cause } = await gate.check()
      expect(state).toBe('unreachable')
      expect(cause).toMatchObject({ message: expect.stringContaining('does not support SSL') })
      await expect(pool.query('select 1')).rejects.toThrow(/channel_binding=require|SSL/)
    }
  }
  // Without sslmode the gate tries TLS first, as libpq does; a pool of one host, which pg reads, makes none.
  const url = `${server.url}?channel_binding=require`
  const gate = createGate({ url, manifest })
  onTestFinished(() => gate.close())
  await gate.whenOpen({ timeout: 10_000 })
  const pool = guardPool(gate, new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000 }))
  onTestFinished(() => pool.end())
  await expect(pool.query('select 1')).rejects.toThrow('channel_binding=require, but the connection has no TLS')
  expect(() => createGate({ url: `${server.url}?channel_binding=yes`, manifest })).toThrow(TypeError)
})

test('the search path of a URL is that of its migrations', async ({ database }) => {
  const dir = await folder(files)
  await database.query('create schema app; create schema "My App"')
  for (const [query, schema] of [
    ['schema=app', 'app'],
    ['search_path=app,public', 'app'],
    ['currentSchema=app', 'app'],
    ['schema=My%20App', '"My App"'],
    ['schema=public', 'public'],
  ] as const) {
    expect(await failure(`${database.url}?${query}`, dir), query).toBeUndefined()
    const { rows } = await database.query(
      `select relnamespace::regnamespace::text as schema from pg_class where relname = 'a'`,
    )
    expect({ query, rows }).toEqual({ query, rows: [{ schema }] })
    await database.query(`drop table ${schema}.a; drop schema schemagate cascade`)
  }
})
