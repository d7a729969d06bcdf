// Connection strings and libpq's variables: what they mean, and what is wrong with them, without ever showing a password.

import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTarget } from '../../../gate/postgres/target.ts'

type Env = Readonly<Record<string, string | undefined>>

function read(url: string | undefined, env: Env = {}, password?: string) {
  const problems: string[] = []
  return { target: readTarget(url, env, password, problems), problems }
}

test.for([
  ['postgres://u:p@h:5433/d', { user: 'u', database: 'd', endpoints: [{ host: 'h', port: 5433 }], sslMode: 'prefer' }],
  ['postgresql://u@h/d', { user: 'u', database: 'd', endpoints: [{ host: 'h', port: 5432 }] }],
  ['postgres://u@h', { user: 'u', database: 'u' }],
  ['postgres://u@h/', { database: 'u' }],
  ['postgres:///d?host=/run/pg&user=u', { endpoints: [{ host: '/run/pg', port: 5432 }], user: 'u', database: 'd' }],
  ['postgres://u@%2Frun%2Fpg/d', { endpoints: [{ host: '/run/pg', port: 5432 }] }],
  ['postgres://u@[::1]:5433/d', { endpoints: [{ host: '::1', port: 5433 }] }],
  ['postgres://u@[fe80::1%25eth0]:5433/d', { endpoints: [{ host: 'fe80::1%eth0', port: 5433 }] }],
  ['postgres://u@[fe80::1%eth0]/d', { endpoints: [{ host: 'fe80::1%eth0', port: 5432 }] }],
  [
    'postgres://u@a:1,b:2/d',
    {
      endpoints: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    },
  ],
  [
    'postgres://u@a,b:2/d',
    {
      endpoints: [
        { host: 'a', port: 5432 },
        { host: 'b', port: 2 },
      ],
    },
  ],
  ['postgres://%C3%BC:p@h/d%2Fe%20%F0%9F%8E%89', { user: 'ü', database: 'd/e 🎉' }],
  ['postgres://u@h/d%40e', { database: 'd@e' }],
  ['postgres://u@h/d?sslmode=verify-full&sslrootcert=/ca.pem', { sslMode: 'verify-full', sslRootCert: '/ca.pem' }],
  ['postgres://u@h/d?ssl=true', { sslMode: 'require' }],
  ['postgres://u@h/d?sslrootcert=system', { sslMode: 'verify-full', sslRootCert: 'system' }],
  ['postgres://u@h/d?target_session_attrs=read-write', { sessionAttributes: 'read-write' }],
  ['postgres://u@h/d', { sessionAttributes: 'any' }],
  ['postgres://u@a,b/d?target_session_attrs=any', { sessionAttributes: 'any' }],
  [
    'postgres://u@h/d?schema=public&connection_limit=5&pgbouncer=true&pool=3',
    { database: 'd', options: '-c search_path="public"' },
  ],
  ['  postgres://u@h/d\n', { database: 'd' }],
] as const)('%s is read as libpq reads it', ([url, expected]) => {
  const { target, problems } = read(url)
  expect(problems).toEqual([])
  expect(target).toMatchObject(expected)
})

test('of several hosts one that takes writes is wanted, unless something else is said', () => {
  expect(read('postgres://u@a,b/d').target).toMatchObject({ sessionAttributes: 'read-write' })
  const said = { PGTARGETSESSIONATTRS: 'any' }
  expect(read('postgres://u@a,b/d', said).target).toMatchObject({ sessionAttributes: 'any' })
})

test('libpq variables fill in what the URL leaves out, and nothing else', () => {
  const env = {
    PGHOST: 'eh',
    PGPORT: '6000',
    PGUSER: 'eu',
    PGDATABASE: 'ed',
    PGSSLMODE: 'require',
    PGSSLROOTCERT: 'system',
  }
  expect(read(undefined, env, 'pw').target).toMatchObject({
    endpoints: [{ host: 'eh', port: 6000 }],
    ...{ user: 'eu', database: 'ed', sslRootCert: 'system', sslMode: 'verify-full' },
  })
  expect(read('postgres://u:p@h:1/d?sslmode=disable', env, 'pw').target).toMatchObject({
    endpoints: [{ host: 'h', port: 1 }],
    ...{ user: 'u', database: 'd', sslMode: 'disable' },
  })
  expect(read('postgres://u:p@h/d', env, 'pw').target?.password).toBe('p')
  expect(read('postgres://u@h/d', env, 'pw').target?.password).toBe('pw')
})

test("the system's authorities are asked for with nothing less than verify-full", () => {
  expect(read(undefined, { PGHOST: 'h', PGSSLROOTCERT: 'system' }).target).toMatchObject({ sslMode: 'verify-full' })
})

const secret = 'secr3t'

test.for([
  ['no URL', `${secret}`],
  ['a URL of something else', `mysql://u:${secret}@h/d`],
  ['http', `https://u:${secret}@h/d`],
  ['key=value', `host=h user=u password=${secret}`],
  ['a slash in the password', `postgres://u:${secret}/x@h/d`],
  ['a slash after digits, which looks like a port', `postgres://u:1234/${secret}@h/d`],
  ['a question mark after digits', `postgres://u:1234?${secret}@h/d`],
  ['a lone percent sign', `postgres://u:${secret}%@h/d`],
  ['a wrong escape', `postgres://u:${secret}%zz@h/d`],
  ['a bracket', `postgres://u:${secret}@[h/d`],
  ['a port that is none', `postgres://u:${secret}@h:99999/d`],
  ['a port that is a word', `postgres://u:${secret}@h:port/d`],
  ['an unknown sslmode', `postgres://u:${secret}@h/d?sslmode=maybe`],
  ['an sslmode with a slip', `postgres://u:${secret}@h/d?sslmod=require`],
  ['an sslrootcert with a slip', `postgres://u:${secret}@h/d?ssl_root_cert=/ca.pem`],
  ['too few ports', `postgres://u:${secret}@a,b,c/d?port=1,2`],
] as const)('refused, and the password is not shown: %s', ([, url]) => {
  const { target, problems } = read(url)
  expect(target).toBeUndefined()
  expect(problems.length).toBeGreaterThan(0)
  expect(problems.join('\n')).not.toContain(secret)
  expect(problems.join('\n')).not.toContain('1234')
})

test('a NUL character is refused wherever it stands', () => {
  for (const url of [
    'postgres://u%00:p@h/d',
    'postgres://u:p%00@h/d',
    'postgres://h/d%00',
    'postgres://h/d?options=%00',
  ])
    expect(read(url, {}), url).toMatchObject({
      target: undefined,
      problems: ['DATABASE_URL has a NUL character (%00).'],
    })
})

test('a slip in a parameter that matters is answered with the nearest known name', () => {
  for (const slip of ['sslmod', 'ssl_mode', 'SSLMODE', 'sslmdoe'])
    expect(read(`postgres://u@h/d?${slip}=require`).problems.join()).toContain('Did you mean sslmode?')
})

test('no inspection of a target shows its password', () => {
  const { target } = read(`postgres://u:${secret}@h/d`)
  expect(target?.password).toBe(secret)
  expect(inspect(target)).not.toContain(secret)
  expect(JSON.stringify(target)).not.toContain(secret)
  expect(JSON.stringify({ ...target })).not.toContain(secret)
})

const word = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter(s => !s.includes('\0') && s.isWellFormed())

test('whatever is percent-encoded comes back as it was', () => {
  fc.assert(
    fc.property(word, word, word, fc.integer({ min: 1, max: 65_535 }), (user, password, database, port) => {
      const e = encodeURIComponent
      const { target, problems } = read(`postgres://${e(user)}:${e(password)}@db.example:${port}/${e(database)}`)
      expect(problems).toEqual([])
      expect(target).toMatchObject({ user, database, endpoints: [{ host: 'db.example', port }] })
      expect(target?.password).toBe(password)
    }),
  )
})

test('any text is read or refused with a sentence, and never thrown on', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string().map(s => `postgres://${s}`),
      ),
      url => {
        const { target, problems } = read(url)
        expect(target === undefined).toBe(problems.length > 0)
      },
    ),
    { numRuns: 500 },
  )
})
