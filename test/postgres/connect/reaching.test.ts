// Reaching a database, and being told no: at once, with the reason, and never with the password.

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { ownServer } from '../../helpers/server.ts'

const files = { '1_users.sql': 'create table users (id int);\n' }

/** Everything that a password may be written as. */
const password = `p@ss/w:rd?#%25"'\\ &=é🔑`
const forms = [
  password,
  encodeURIComponent(password),
  JSON.stringify(password).slice(1, -1),
  // parts of it that a wrong cut would leave
  ...['w:rd', 'é🔑', 'rd?#', '%C3%A9', '%F0%9F%94%91'],
]

function expectNoPassword(text: string): void {
  for (const form of forms) expect(text).not.toContain(form)
}

async function user(database: ScratchDatabase, suffix: string, rights: string): Promise<string> {
  const role = database.role(suffix)
  await database.query(
    `create role ${role} login password ${pg.escapeLiteral(password)}; ${rights.replaceAll('ROLE', role)}`,
  )
  return role
}

describe('Postgres says no: 9, at once', () => {
  test('to a wrong password, a missing database, a role that may not log in or connect or make a schema', async ({
    database,
  }) => {
    const dir = await folder(files)
    const owner = await user(
      database,
      'owner',
      'grant create on database CURRENT to ROLE'.replace('CURRENT', database.name),
    )
    const reader = await user(database, 'reader', '')
    const asleep = await user(database, 'asleep', 'alter role ROLE nologin')
    const locked = await user(database, 'locked', '')
    await database.query(
      `revoke connect on database ${database.name} from public; grant connect on database ${database.name} to ${owner}, ${reader}, ${asleep}`,
    )
    const elsewhere = new URL(database.urlFor(owner, password))
    elsewhere.pathname = '/no such database'
    for (const [url, message] of [
      [database.urlFor(owner, 'wrong'), `refused the password of user \\"${owner}\\" (28P01)`],
      [database.urlFor(database.role('nobody'), password), '(28P01)'],
      [elsewhere.href, 'has no database \\"no such database\\" (3D000). Create it'],
      [database.urlFor(asleep, password), 'is not permitted to log in'],
      [database.urlFor(locked, password), `Grant it CONNECT on database \\"${database.name}\\"`],
      [database.urlFor(reader, password), 'grant create on database'],
    ] as const) {
      const started = performance.now()
      const { code, stdout, stderr, lines } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url } })
      expect({ message, code }).toEqual({ message, code: 9 })
      expect(stdout).toContain(message)
      // far from the 60 s that it would wait for an answer
      expect(performance.now() - started).toBeLessThan(10_000)
      expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', exitCode: 9 })
      expectNoPassword(stdout + stderr)
    }
    // and the right one is right
    const done = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.urlFor(owner, password) } })
    expect(done.stdout).toMatch(/permission denied for schema public|"outcome":"applied"/)
  })

  test('to a migration that the role has no right to: 5, with the way out', async ({ database }) => {
    const role = await user(database, 'owner', `grant create on database ${database.name} to ROLE`)
    const dir = await folder({ '1_x.sql': 'select 1;\nalter system set work_mem = default;' })
    const { code, stdout } = await schemagate(['up', '--dir', dir], {
      env: { DATABASE_URL: database.urlFor(role, password) },
    })
    expect(code).toBe(5)
    expect(stdout).toMatch(/permission denied .*\(42501\).*Grant the right to the migrator's role/)
  })
})

test('of a server that is not there nothing is said any more once a mistake in the files was told', async () => {
  const url = `postgres://u@127.0.0.1:${await freePort()}/d`
  for (const dir of ['/nowhere', await folder({ 'x.sql': 'select 1;' })]) {
    const { code, lines, stderr } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url } })
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', exitCode: 2 })
  }
})

describe('Postgres does not answer: 3, when the time is up', () => {
  test.for(['refused', 'silent', 'unknown'] as const)('%s', async kind => {
    const dir = await folder(files)
    let host = `127.0.0.1:${await freePort()}`
    if (kind === 'unknown') host = 'no-such-host.invalid:5432'
    if (kind === 'silent') {
      // accepts, and never says anything: what a port that docker-proxy holds looks like
      const server = createServer(() => {})
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void server.close())
      const address = server.address()
      host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    }
    const url = `postgres://u:${encodeURIComponent(password)}@${host}/d`
    for (const verb of ['up', 'status', 'check']) {
      const started = performance.now()
      const { code, stdout, stderr } = await schemagate([verb, '--dir', dir, '--connect-timeout', '700ms'], {
        env: { DATABASE_URL: url },
      })
      const spent = performance.now() - started
      expect({ verb, code }).toEqual({ verb, code: 3 })
      expect(spent).toBeGreaterThanOrEqual(700)
      expect(spent).toBeLessThan(5_000)
      expect(stdout + stderr).toContain(`Postgres at ${host} did not answer within 700 ms`)
      expectNoPassword(stdout + stderr)
    }
  })
})

test('a server that comes up is noticed within a tenth of a second', async () => {
  const server = await ownServer()
  const dir = await folder(files)
  const late: number[] = []
  for (let i = 0; i < 3; i++) {
    await server.stop('immediate')
    const up = start(['up', '--dir', dir, '--log-level', 'debug'], { env: { DATABASE_URL: server.url } })
    await eventually(() => expect(up.stdout).toContain('nothing listens there'))
    const answers = firstAnswer(server.url)
    await server.start()
    const there = await answers
    const { code, lines } = await up.ended
    expect(code).toBe(0)
    late.push(Date.parse(String(lines.find(({ msg }) => msg === 'Postgres answers')?.time)) - there)
  }
  // a busy machine may delay one of them
  expect(Math.min(...late)).toBeLessThan(100)
  expect(Math.max(...late)).toBeLessThan(1_000)
})

/** The first moment at which a query is answered. */
async function firstAnswer(url: string): Promise<number> {
  return eventually(
    async () => {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      await client.connect()
      const at = Date.now()
      await client.end()
      return at
    },
    { timeout: 20_000, interval: 5 },
  )
}

test('the PG* variables, a password file, a Unix socket and several hosts lead there as well', async () => {
  const sockets = await mkdtemp(join(tmpdir(), 'sg-'))
  onTestFinished(() => rm(sockets, { recursive: true, force: true }))
  await chmod(sockets, 0o777)
  const server = await ownServer({ password, settings: { unix_socket_directories: sockets } })
  const dir = await folder(files)
  const secrets = await folder({ password: `${password}\n`, url: `${server.url}\n` })
  const { port } = server
  const common = { PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' }
  const secret = encodeURIComponent(password)
  const ways: Record<string, string>[] = [
    { DATABASE_URL: server.url },
    { DATABASE_URL_FILE: join(secrets, 'url') },
    { ...common, PGHOST: '127.0.0.1', PGPASSWORD: password },
    { ...common, PGHOST: '127.0.0.1', PGPASSWORD_FILE: join(secrets, 'password') },
    { ...common, PGHOST: sockets, PGPASSWORD: password },
    { DATABASE_URL: 'postgres://postgres@127.0.0.1/postgres', PGPORT: String(port), PGPASSWORD: password },
    { DATABASE_URL: `postgres://postgres:${secret}@${encodeURIComponent(sockets)}:${port}/postgres` },
    { DATABASE_URL: `postgres://postgres:${secret}@/postgres?host=${sockets}&port=${port}` },
    {
      DATABASE_URL: `postgres://postgres:${secret}@127.0.0.1:1,127.0.0.1:${port}/postgres?target_session_attrs=read-write`,
    },
  ]
  expect((await schemagate(['up', '--dir', dir], { env: ways[0]! })).code).toBe(0)
  for (const env of ways) {
    const { code, stdout, stderr } = await schemagate(
      ['status', '--format', 'json', '--dir', dir, '--connect-timeout', '3s'],
      { env },
    )
    expect({ env, code, stderr }).toEqual({ env, code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ state: 'current' })
    expectNoPassword(stdout)
  }
})

test('no output of any command that fails holds the password', async ({ database }) => {
  const role = await user(
    database,
    'owner',
    `grant create on database ${database.name} to ROLE; grant create on schema public to ROLE`,
  )
  const url = database.urlFor(role, password)
  const good = await folder({ ...files, '2_bad.sql': `select nope; -- ${password}\n` })
  const empty = await folder({})
  const raw = `postgres://${role}:${password}@db/x`
  const runs: readonly (readonly [readonly string[], Record<string, string>])[] = [
    [['up', '--dir', good], { DATABASE_URL: url }],
    [['up', '--dir', good, '--database-url', url], {}],
    [['up', '--dir', empty], { DATABASE_URL: url }],
    [['up', '--dir', good, '--nonsense'], { DATABASE_URL: url }],
    [['up', '--dir', good], { DATABASE_URL: `${url}?sslmode=maybe` }],
    [['up', '--dir', good], { DATABASE_URL: `${url}?sslmode=verify-full` }],
    [['up', '--dir', good], { DATABASE_URL: url.replace(/:(\d+)\//, ':99999/') }],
    [['up', '--dir', good], { DATABASE_URL: raw }],
    [['up', '--dir', good], { DATABASE_URL: password }],
    [['up', '--dir', good], { DATABASE_URL: `mysql://${role}:${encodeURIComponent(password)}@h/d` }],
    [
      ['up', '--dir', good],
      { DATABASE_URL: url, PGPASSWORD: password, SCHEMAGATE_APP_PASSWORD: password, SCHEMAGATE_APP_ROLE: '' },
    ],
    [['up', '--dir', good, '--lock-wait', password], { DATABASE_URL: url }],
    [['status', '--dir', good], { DATABASE_URL: url }],
    [['status', '--dir', good], { DATABASE_URL: database.urlFor(`${role}_x`, password) }],
    [['check', '--dir', good], { DATABASE_URL: url }],
    [['check', '--manifest', '/nowhere'], { DATABASE_URL: url }],
    [['wait', '--timeout', '200ms', '--dir', good], { DATABASE_URL: url }],
    [['wait', '--timeout', '200ms', '--dir', good], { DATABASE_URL: database.urlFor(role, `${password}x`) }],
    [['plan', '--dir', empty], { DATABASE_URL: url }],
    [['down', '--dir', good], { DATABASE_URL: url }],
    [['baseline', 'none', '--dir', good], { DATABASE_URL: url }],
    [['repair', '--forget-missing', 'none', '--dir', good], { DATABASE_URL: url }],
    [['manifest', '--dir', empty], { DATABASE_URL: url }],
  ]
  for (const [i, [args, env]] of runs.entries()) {
    const { stdout, stderr } = await schemagate([...args, '--connect-timeout', '2s'], {
      env: { ...env, LOG_FORMAT: i % 2 ? 'json' : 'pretty', LOG_LEVEL: 'trace' },
    })
    expect(stdout + stderr).not.toBe('')
    expectNoPassword(stdout + stderr)
  }
})
