// The app's settings: read together, refused together, and never a secret in a message.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readSettings, SettingsError } from '../../../app/settings.ts'

const secret = 'x'.repeat(32)
const url = 'postgresql://app:pa%3Ass@db:5432/tickets'
const good = { DATABASE_URL: url, JWT_SECRET: secret }

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readSettings(env, false)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

function file(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'schemagate-settings-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file'), content)
  return join(folder, 'file')
}

describe('defaults', () => {
  test('are those that are documented', () => {
    expect(readSettings(good, false)).toMatchObject({
      host: '0.0.0.0',
      port: 8000,
      logLevel: 'info',
      logFormat: 'json',
    })
    expect(readSettings(good, true)).toMatchObject({ logFormat: 'pretty' })
  })

  test('also stand in for empty variables, as compose passes what is not set', () => {
    expect(readSettings({ ...good, PORT: '', HOST: '', LOG_LEVEL: '', JWT_SECRET_FILE: '' }, false)).toMatchObject({
      port: 8000,
      host: '0.0.0.0',
      logLevel: 'info',
    })
  })
})

test('every problem is told in one message', () => {
  const problems = problemsOf({
    PORT: '70000',
    JWT_SECRET: 'short',
    LOG_LEVEL: 'loud',
    LOG_FORMAT: 'xml',
    AUTH_RATE_LIMIT: '-1',
    TRUSTED_PROXIES: '10.0.0.0/8, everyone',
  })
  expect(problems).toHaveLength(7)
  for (const name of [
    'DATABASE_URL',
    'PORT',
    'JWT_SECRET',
    'LOG_LEVEL',
    'LOG_FORMAT',
    'AUTH_RATE_LIMIT',
    'TRUSTED_PROXIES',
  ])
    expect(problems.join('\n')).toContain(name)
})

describe('the secret of the tokens', () => {
  test('has no default in production', () => {
    expect(problemsOf({ DATABASE_URL: url, NODE_ENV: 'production' })).toEqual([expect.stringContaining('JWT_SECRET')])
  })

  test('is made up for each process in development', () => {
    const [one, other] = [readSettings({ DATABASE_URL: url }), readSettings({ DATABASE_URL: url })]
    expect(one.jwtSecretIsTemporary).toBe(true)
    expect(one.jwtSecret).not.toEqual(other.jwtSecret)
    expect(one.jwtSecret.length).toBeGreaterThanOrEqual(32)
  })

  test('is measured in bytes', () => {
    expect(problemsOf({ ...good, JWT_SECRET: 'x'.repeat(31) })).toHaveLength(1)
    expect(problemsOf({ ...good, JWT_SECRET: 'ü'.repeat(16) })).toEqual([])
  })

  test('can be in a file, and the line breaks at its end are no part of it', () => {
    for (const end of ['\n', '\r\n', '\n\n', '\n\r\n\n']) {
      const settings = readSettings({ DATABASE_URL: url, JWT_SECRET_FILE: file(`${secret}${end}`) }, false)
      expect(Buffer.from(settings.jwtSecret).toString()).toBe(secret)
    }
  })
})

describe('a secret file', () => {
  test('that is missing, a folder or empty is told as that', () => {
    const missing = problemsOf({ DATABASE_URL: url, JWT_SECRET_FILE: '/nowhere/secret' })
    expect(missing).toEqual([expect.stringMatching(/JWT_SECRET_FILE: \/nowhere\/secret does not exist/)])
    expect(problemsOf({ DATABASE_URL: url, JWT_SECRET_FILE: tmpdir() })).toEqual([
      expect.stringContaining('is a folder'),
    ])
    expect(problemsOf({ DATABASE_URL: url, JWT_SECRET_FILE: file('') })).toEqual([expect.stringContaining('is empty')])
  })

  test('and the variable itself exclude each other', () => {
    expect(problemsOf({ ...good, JWT_SECRET_FILE: file(secret) })).toEqual([expect.stringContaining('both set')])
    expect(problemsOf({ ...good, DATABASE_URL_FILE: file(url) })).toEqual([expect.stringContaining('both set')])
  })
})

describe('the database', () => {
  const app = { user: 'app', database: 'tickets', endpoints: [{ host: 'db', port: 5432 }] }

  test('can be a URL in a file', () => {
    const { connection } = readSettings({ JWT_SECRET: secret, DATABASE_URL_FILE: file(`${url}\n`) })
    expect(connection).toMatchObject(app)
    expect(connection.password).toBe('pa:ss')
    expect(JSON.stringify(connection)).not.toContain('pa:ss')
  })

  test('can be the variables that libpq knows', () => {
    const { connection } = readSettings({
      JWT_SECRET: secret,
      PGHOST: 'db',
      PGPORT: '6543',
      PGUSER: 'app',
      PGDATABASE: 'tickets',
      PGPASSWORD_FILE: file('p&?=:/ +%41\n'),
      PGSSLMODE: 'require',
    })
    expect(connection).toMatchObject({ ...app, endpoints: [{ host: 'db', port: 6543 }], sslMode: 'require' })
    expect(connection.password).toBe('p&?=:/ +%41')
  })

  test('can be several hosts, in a URL or in the variables', () => {
    const several = readSettings({ JWT_SECRET: secret, DATABASE_URL: 'postgresql://app:p%2Cw@a:1,b:2/tickets' })
    const endpoints = [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ]
    expect(several.connection).toMatchObject({ endpoints, sessionAttributes: 'read-write' })
    expect(several.connection.password).toBe('p,w')
    const variables = { PGHOST: 'a,b', PGPORT: '1,2', PGDATABASE: 'tickets', PGTARGETSESSIONATTRS: 'primary' }
    const { connection } = readSettings({ JWT_SECRET: secret, ...variables })
    expect(connection).toMatchObject({ endpoints, sessionAttributes: 'primary' })
  })

  test('takes from those variables only what the URL does not say, so that a URL can leave its password to a file', () => {
    const env = { JWT_SECRET: secret, PGHOST: 'other', PGUSER: 'other', PGPASSWORD_FILE: file('hidden') }
    const full = readSettings({ ...env, DATABASE_URL: url }).connection
    expect(full).toMatchObject(app)
    expect(full.password).toBe('pa:ss')
    const open = readSettings({ ...env, DATABASE_URL: 'postgresql://app@db/tickets' }).connection
    expect(open).toMatchObject(app)
    expect(open.password).toBe('hidden')
  })

  test.each([
    ['sslmode=prefer', { sslMode: 'prefer' }],
    ['ssl=require', { sslMode: 'require' }],
    ['ssl=1', { sslMode: 'require' }],
    ['requiressl=1', { sslMode: 'require' }],
    ['ssl=false', { sslMode: 'disable' }],
    ['channel_binding=require', { authentication: { channelBinding: 'require', methods: undefined } }],
    ['sslrootcert=system', { sslMode: 'verify-full', sslRootCert: 'system' }],
    ['schema=app', { options: '-c search_path="app"' }],
    ['options=-c%20geqo%3Doff&search_path=a,%20b', { options: '-c geqo=off -c search_path=a,\\ b' }],
    ['transaction_timeout=5s', { options: '-c transaction_timeout=5s' }],
    ['hostaddr=10.0.0.7', { endpoints: [{ host: '10.0.0.7', port: 5432, name: 'db' }] }],
    ['connect_timeout=10', { connectTimeout: 10_000 }],
    ['keepalives_idle=7', { keepAlive: { on: true, idle: 7, interval: undefined, count: undefined } }],
  ])('means what the migrator reads in it: %s', (query, expected) => {
    for (const scheme of ['postgresql', 'postgresql+asyncpg', 'jdbc:postgresql']) {
      const { connection } = readSettings({ ...good, DATABASE_URL: `${scheme}://app@db/tickets?${query}` })
      expect(connection).toMatchObject({ ...app, ...expected })
      expect(connection.notes).toEqual([])
    }
  })

  test.each(['password=a%2Bb', 'password=a+b'])('has a plus sign where the URL has one: %s', query => {
    expect(readSettings({ ...good, DATABASE_URL: `postgresql://app@db/t?${query}` }).connection.password).toBe('a+b')
  })

  test('notes what is for another driver', () => {
    const { connection } = readSettings({ ...good, DATABASE_URL: `${url}?pgbouncer=true` })
    expect(connection.notes).toEqual([expect.stringMatching(/^pgbouncer/)])
  })

  test.each([
    ['no URL', 'tickets'],
    ['a URL of something else', 'https://app:hush@db/tickets'],
    ['a URL whose password has a bare percent sign', 'postgresql://app:hush%zz@db/tickets'],
    ['a URL with a parameter that is not known', 'postgresql://app:hush@db/tickets?sslmod=require'],
    ['a URL that wants binding without TLS', 'postgresql://app:hush@db/t?channel_binding=require&sslmode=disable'],
    ['a URL with what is never done', 'postgresql://app:hush@db/tickets?requirepeer=postgres'],
    ['an address of Prisma', 'prisma://db/?api_key=hush'],
    ['a URL with a mode that libpq does not have', 'postgresql://app:hush@db/tickets?sslmode=preferred'],
    ['a URL with more ports than hosts', 'postgresql://app:hush@a,b/tickets?port=1,2,3'],
    [
      'a URL with a certificate that is not there',
      'postgresql://app:hush@db/tickets?sslmode=verify-full&sslrootcert=/nowhere',
    ],
  ])('is refused when it is %s, and its password is not repeated', (_, wrong) => {
    const problems = problemsOf({ JWT_SECRET: secret, DATABASE_URL: wrong })
    expect(problems).toHaveLength(1)
    expect(problems[0]).not.toContain('hush')
  })
})
