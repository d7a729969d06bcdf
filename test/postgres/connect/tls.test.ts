// sslmode, as libpq documents it, against real servers: one with TLS on, one without.

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, inject, onTestFinished } from 'vitest'
import { createGate, guardPool, type Manifest, poolConfig, readConnection } from '../../../gate/index.ts'
import { serverUser } from '../../../scripts/lib/postgres/binaries.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { ownServer } from '../../helpers/server.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const run = promisify(execFile)

/** An authority, and a server's certificate that it signed for these names. */
async function certificates(names: string) {
  const dir = await mkdtemp(join(tmpdir(), 'schemagate-tls-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const at = (name: string) => join(dir, name)
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'.split(' ')
  const make = (name: string, ...more: string[]) =>
    run(
      'openssl',
      ['req', '-x509', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`, ...more],
      { cwd: dir },
    )
  for (const ca of ['ca', 'other']) await make(ca)
  const extensions = [`subjectAltName=${names}`, 'basicConstraints=critical,CA:FALSE'].flatMap(one => ['-addext', one])
  await make('server', ...extensions, '-CA', 'ca.crt', '-CAkey', 'ca.key')
  await chmod(dir, 0o755)
  await chmod(at('server.key'), 0o600)
  const owner = serverUser()
  if (owner) await run('chown', [String(owner.uid), at('server.key')])
  // a file named .crt is enough; a copy stands for one that was mounted elsewhere
  await copyFile(at('ca.crt'), at('mounted-ca.pem'))
  return { ca: at('mounted-ca.pem'), other: at('other.crt'), key: at('server.key'), crt: at('server.crt') }
}

test('each sslmode does what libpq says it does', async () => {
  // the certificate is for the address, and not for the name localhost
  const { ca, other, key, crt } = await certificates('IP:127.0.0.1')
  const server = await ownServer({
    settings: { ssl: 'on', ssl_cert_file: crt, ssl_key_file: key, listen_addresses: '*' },
  })
  const dir = await folder({
    '1_tls.sql': 'create table tls as select ssl from pg_stat_ssl where pid = pg_backend_pid();',
  })
  const attempt = async (query: string, host = '127.0.0.1') => {
    const url = new URL(`${server.url}?${query}`)
    url.hostname = host
    // a home without ~/.postgresql/root.crt
    const env = { DATABASE_URL: url.href, HOME: dir }
    const { code, stderr } = await schemagate(['check', '--dir', dir, '--connect-timeout', '5s'], { env })
    return { code, stderr }
  }
  const up = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: `${server.url}?sslmode=require` } })
  expect(up.code, up.stdout).toBe(0)

  const pem = encodeURIComponent(ca)
  for (const query of [
    '',
    'sslmode=disable',
    'sslmode=allow',
    'sslmode=prefer',
    'sslmode=require',
    `sslmode=require&sslrootcert=${pem}`,
    `sslmode=verify-ca&sslrootcert=${pem}`,
    `sslmode=verify-full&sslrootcert=${pem}`,
    'ssl=true',
  ])
    expect(await attempt(query), query).toMatchObject({ code: 0 })

  // signed by another authority
  const wrong = encodeURIComponent(other)
  for (const query of [
    `sslmode=verify-full&sslrootcert=${wrong}`,
    `sslmode=verify-ca&sslrootcert=${wrong}`,
    `sslmode=require&sslrootcert=${wrong}`,
    'sslrootcert=system',
  ]) {
    const { code, stderr } = await attempt(query)
    expect({ query, code }).toEqual({ query, code: 9 })
    expect(stderr).toMatch(/The TLS certificate of Postgres at 127\.0\.0\.1:\d+ is not accepted/)
  }
  // the right authority, for another name: only verify-full minds
  expect(await attempt(`sslmode=verify-ca&sslrootcert=${pem}`, 'localhost')).toMatchObject({ code: 0 })
  const name = await attempt(`sslmode=verify-full&sslrootcert=${pem}`, 'localhost')
  expect(name).toMatchObject({ code: 9, stderr: expect.stringContaining('is not accepted') })

  for (const [query, message] of [
    ['sslmode=verify-full', 'name it with sslrootcert=FILE'],
    ['sslmode=verify-ca&sslrootcert=/nowhere/ca.pem', '/nowhere/ca.pem cannot be read (ENOENT)'],
    ['sslmode=sometimes', 'sslmode is \\"sometimes\\", but must be one of disable, allow'],
  ] as const)
    expect(await attempt(query), query).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  expect(await server.log()).not.toContain('FATAL')
})

test('a gate and the pool that it guards connect as sslmode says', async () => {
  const { ca, other, key, crt } = await certificates('IP:127.0.0.1')
  const server = await ownServer({ settings: { ssl: 'on', ssl_cert_file: crt, ssl_key_file: key } })
  const dir = await folder({ '1_a.sql': 'select 1;' })
  const { code } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: server.url } })
  expect(code).toBe(0)
  const manifest: Manifest = JSON.parse((await schemagate(['manifest', '--dir', dir])).stdout)
  const [right, wrong] = [ca, other].map(encodeURIComponent)
  for (const [query, ssl] of [
    ['sslmode=disable', false],
    ['sslmode=allow', false],
    ['sslmode=prefer', true],
    ['sslmode=require', true],
    [`sslmode=verify-full&sslrootcert=${right}`, true],
  ] as const) {
    const connection = readConnection({ url: `${server.url}?${query}` })
    const gate = createGate({ connection, manifest })
    const pool = guardPool(gate, new pg.Pool(poolConfig(connection)))
    await gate.whenOpen({ timeout: 10_000 })
    // its own two sessions, and the pool's that asks
    const { rows } = await pool.query(
      'select ssl from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null',
    )
    expect(rows, query).toEqual([{ ssl }, { ssl }, { ssl }])
    await pool.end()
    await gate.close()
  }
  const gate = createGate({ url: `${server.url}?sslmode=verify-full&sslrootcert=${wrong}`, manifest })
  onTestFinished(() => gate.close())
  expect((await gate.check()).state).toBe('unreachable')
})

test('verify-full compares with the host that was asked for, also where that is an address', async () => {
  const { ca, key, crt } = await certificates('DNS:localhost')
  const server = await ownServer({ settings: { ssl: 'on', ssl_cert_file: crt, ssl_key_file: key } })
  const dir = await folder({ '1_a.sql': 'select 1;' })
  const url = `${server.url}?sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}`
  const address = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url } })
  expect(address).toMatchObject({ code: 9, stdout: expect.stringContaining('is not accepted') })
  const name = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url.replace('127.0.0.1', 'localhost') } })
  expect(name.code, name.stdout).toBe(0)
})

test('a server without TLS is used where that is allowed, and else refused', async ({ database }) => {
  expect(inject('postgres').url).not.toContain('ssl')
  const dir = await folder({ '1_a.sql': 'select 1;' })
  const up = async (sslmode: string) =>
    schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url, PGSSLMODE: sslmode } })
  for (const mode of ['disable', 'allow', 'prefer']) expect(await up(mode), mode).toMatchObject({ code: 0 })
  const { code, stdout } = await up('require')
  expect(code).toBe(9)
  expect(stdout).toMatch(/does not speak TLS, and sslmode is require\. Turn TLS on there, or use sslmode=prefer/)
})

test('a server without TLS is talked to over the same connection with sslmode=prefer', async ({ database }) => {
  const proxy = await tcpProxy(database.url)
  const dir = await folder({ '1_a.sql': 'select 1;' })
  const env = { DATABASE_URL: proxy.url(database.url), PGSSLMODE: 'prefer' }
  expect(await schemagate(['check', '--dir', dir], { env })).toMatchObject({ code: 7 })
  expect(proxy.messages.slice(0, 2).map(({ type }) => type)).toEqual(['ssl', 'startup'])
  expect(proxy.connections.made).toBe(1)
})

test('nothing is sent to a server whose refusal of TLS has more behind it', async () => {
  const seen: Buffer[] = []
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      seen.push(Buffer.from(chunk))
      // what follows the one byte was not asked for: CVE-2021-23222
      socket.write('NR')
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dir = await folder({ '1_a.sql': 'select 1;' })
  const env = { DATABASE_URL: `postgres://me:secret@127.0.0.1:${port}/db`, PGSSLMODE: 'prefer' }
  const { code } = await schemagate(['check', '--dir', dir, '--connect-timeout', '1s'], { env })
  expect(code).not.toBe(0)
  expect(seen.length).toBeGreaterThan(0)
  // SSLRequest is all that such a server gets
  for (const chunk of seen) expect(chunk.toString('hex')).toBe('0000000804d2162f')
})
