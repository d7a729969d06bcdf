// Bad input: a 4xx with a problem that says what is wrong; never a 500, never a log line about a bug of ours.

import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import {
  type AppFixture,
  expectProblem,
  newUser,
  type RequestOptions,
  type RunningApp,
  startApp,
  test,
} from '../../helpers/app-process.ts'

const registration = { email: 'bad@example.org', password: 'a good password', full_name: 'Bad Input' }
const register = '/api/v1/auth/register'
const bytes = (...parts: (string | number[])[]) => Buffer.concat(parts.map(part => Buffer.from(part)))

const bodies: [what: string, status: number, options: RequestOptions][] = [
  ['no body', 400, {}],
  ['an empty body', 400, { body: '' }],
  ['malformed JSON', 400, { body: '{"email":' }],
  ['JSON that is no object', 400, { body: '[]' }],
  ['null', 400, { body: 'null' }],
  ['a missing field', 400, { body: { email: 'a@b', password: 'a good password' } }],
  ['wrong types', 400, { body: { email: 1, password: true, full_name: null } }],
  ['a number as text', 400, { body: { ...registration, password: 1234567890 } }],
  ['an unknown field', 400, { body: { ...registration, fullname: 'x' } }],
  ['no e-mail address', 400, { body: { ...registration, email: 'ann at example' } }],
  ['an e-mail address outside ASCII', 400, { body: { ...registration, email: 'änn@example.org' } }],
  ['an over-long e-mail address', 400, { body: { ...registration, email: `${'a'.repeat(250)}@b.org` } }],
  ['an e-mail address that is slow to match', 400, { body: { ...registration, email: `a@${'a'.repeat(100_000)}-` } }],
  ['a short password', 400, { body: { ...registration, password: '1234567' } }],
  ['an over-long password', 400, { body: { ...registration, password: 'x'.repeat(129) } }],
  ['a blank name', 400, { body: { ...registration, full_name: ' \t' } }],
  ['an over-long name', 400, { body: { ...registration, full_name: 'x'.repeat(201) } }],
  ['NUL in a name', 400, { body: { ...registration, full_name: 'a\0b' } }],
  ['NUL in a password', 400, { body: { ...registration, password: 'a good\0password' } }],
  ['NUL in a field name', 400, { body: { ...registration, 'a\0b': 1 } }],
  ['half a surrogate pair', 400, { body: '{"email":"a@b","password":"a good password","full_name":"a\\ud800"}' }],
  ['invalid UTF-8', 400, { body: bytes('{"email":"a@b","password":"a good password","full_name":"', [0xff], '"}') }],
  ['cut-off UTF-8', 400, { body: bytes('{"full_name":"', [0xe2, 0x82], '"}') }],
  ['UTF-8 of a surrogate', 400, { body: bytes('{"full_name":"', [0xed, 0xa0, 0x80], '"}') }],
  ['a prototype', 400, { body: '{"__proto__":{"admin":true}}' }],
  ['a constructor', 400, { body: '{"constructor":{"prototype":{"admin":true}}}' }],
  ['deep arrays', 400, { body: '['.repeat(80_000) }],
  ['deep objects', 400, { body: `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}` }],
  [
    'thousands of unknown fields',
    400,
    { body: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, i])) },
  ],
  ['a body over the limit', 413, { body: { ...registration, full_name: 'x'.repeat(200_000) } }],
  ['a form', 415, { body: 'email=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
  ['plain text', 415, { body: '{}', headers: { 'content-type': 'text/plain' } }],
  ['no content type', 415, { body: '{}', headers: { 'content-type': '' } }],
  ['a content type that is none', 415, { body: '{}', headers: { 'content-type': 'json' } }],
  ['a compressed body', 415, { body: bytes([0x1f, 0x8b]), headers: { 'content-encoding': 'gzip' } }],
]

const uuid = '00000000-0000-4000-8000-000000000000'
const urls: [what: string, status: number, method: string, path: string, body?: unknown][] = [
  ['an unknown path', 404, 'GET', '/nope'],
  ['the root', 404, 'GET', '/'],
  ['a path beside a route', 404, 'GET', '/api/v1/tickets/../auth'],
  ['a method that a path does not have', 405, 'DELETE', '/api/v1/tickets'],
  ['OPTIONS', 405, 'OPTIONS', register],
  ['malformed percent-encoding', 400, 'GET', '/api/v1/tickets/%zz'],
  ['malformed percent-encoding outside of all routes', 400, 'GET', '/%E0%A4%A'],
  ['percent-encoded invalid UTF-8', 400, 'GET', '/api/v1/tickets/%ff'],
  ['an id that is no UUID', 400, 'GET', '/api/v1/tickets/1'],
  ['an id with NUL', 400, 'GET', '/api/v1/tickets/%00'],
  ['an id that only some take for a UUID', 400, 'GET', `/api/v1/tickets/urn:uuid:${uuid}`],
  ['an over-long id', 414, 'GET', `/api/v1/tickets/${'a'.repeat(1000)}`],
  ['an over-long path', 414, 'GET', `/${'a'.repeat(3000)}`],
  ['an over-long query', 414, 'GET', `/api/v1/tickets?cursor=${'a'.repeat(3000)}`],
  ['a URL longer than all headers may be', 431, 'GET', `/${'a'.repeat(20_000)}`],
  ['a limit that is no number', 400, 'GET', '/api/v1/tickets?limit=many'],
  ['a limit of 0', 400, 'GET', '/api/v1/tickets?limit=0'],
  ['a limit over 100', 400, 'GET', '/api/v1/tickets?limit=101'],
  ['a huge limit', 400, 'GET', `/api/v1/tickets?limit=${'9'.repeat(40)}`],
  ['a limit given twice', 400, 'GET', '/api/v1/tickets?limit=1&limit=2'],
  ['a state that is none', 400, 'GET', '/api/v1/tickets?status=lost'],
  ['an unknown parameter', 400, 'GET', '/api/v1/tickets?sort=title'],
  ['a cursor that is none', 400, 'GET', '/api/v1/tickets?cursor=x'],
  ['a cursor of invalid UTF-8', 400, 'GET', '/api/v1/tickets?cursor=%ff%00'],
  [
    'a cursor of no day',
    400,
    'GET',
    `/api/v1/tickets?cursor=${Buffer.from(`2026-99-99T00:00:00.000000Z ${uuid}`).toString('base64url')}`,
  ],
  [
    'a cursor of the 30th of February',
    400,
    'GET',
    `/api/v1/tickets?cursor=${Buffer.from(`2026-02-30T00:00:00.000000Z ${uuid}`).toString('base64url')}`,
  ],
  [
    'a cursor of the year 0',
    400,
    'GET',
    `/api/v1/tickets?cursor=${Buffer.from(`0000-01-01T00:00:00.000000Z ${uuid}`).toString('base64url')}`,
  ],
  ['a change of nothing', 400, 'PATCH', `/api/v1/tickets/${uuid}`, {}],
  ['a change of what cannot be changed', 400, 'PATCH', `/api/v1/tickets/${uuid}`, { organization_id: uuid }],
  ['a title that is null', 400, 'PATCH', `/api/v1/tickets/${uuid}`, { title: null }],
  ['an over-long title', 400, 'POST', '/api/v1/tickets', { title: 'x'.repeat(201) }],
  ['an over-long title in astral characters', 400, 'POST', '/api/v1/tickets', { title: '🙂'.repeat(201) }],
  ['an over-long description', 400, 'POST', '/api/v1/tickets', { title: 'x', description: 'x'.repeat(20_001) }],
  ['an assignee that is no UUID', 400, 'POST', '/api/v1/tickets', { title: 'x', assignee_id: 'me' }],
  ['an assignee that does not exist', 400, 'POST', '/api/v1/tickets', { title: 'x', assignee_id: uuid }],
]

describe('a registration with', () => {
  test.for(bodies)('%s gets %i', async ([, status, options], { app }) => {
    const answer = await app.request('POST', register, options)
    expectProblem(answer, status)
    expect(answer.text.length).toBeLessThan(5_000)
    expectNoBug(app)
  })

  test('several faults is told all of them, each with its place', async ({ app }) => {
    const answer = await app.request('POST', register, { body: { email: 'x', password: 1, name: 'x' } })
    expect(answer.get('errors')).toEqual([
      { in: 'body', at: '', message: expect.stringContaining("'full_name'") },
      { in: 'body', at: '', message: 'has the unknown property "name"' },
      { in: 'body', at: '/email', message: 'must be an e-mail address' },
      { in: 'body', at: '/password', message: 'must be string' },
    ])
  })
})

describe('a login with', () => {
  test.for(bodies.filter(([, status]) => status !== 400))('%s gets %i', async ([, status, options], { app }) => {
    expectProblem(await app.request('POST', '/api/v1/auth/login', options), status)
  })

  test('text that is no e-mail address is a login that fails', async ({ app }) => {
    for (const email of ['', 'x', 'İ@example.org', "' or true --"])
      expectProblem(await app.request('POST', '/api/v1/auth/login', { body: { email, password: 'x' } }), 401)
  })
})

describe('a request with a token and', () => {
  test.for(urls)('%s gets %i', async ([, status, method, path, body], { app }) => {
    const { token } = await sharedUser(app)
    expectProblem(await app.request(method, path, { token, ...(body !== undefined && { body }) }), status)
    expectNoBug(app)
  })

  test('a method that a path does not have is told which ones it has', async ({ app }) => {
    const answer = await app.request('PUT', `/api/v1/tickets/${uuid}`)
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'PATCH'])
  })
})

describe('bytes that are', () => {
  test.for([
    ['no HTTP', 'HELLO\r\n\r\n', 400],
    ['an unknown method', 'BREW /health HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['two lengths', `POST ${register} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400],
    ['a request without a host', 'GET /health HTTP/1.1\r\n\r\n', 400],
    ['headers without end', `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['chunks that are none', `POST ${register} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
  ] as const)('%s get %i', async ([, sent, status], { app }) => {
    expect(await exchange(app, sent)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await app.request('GET', '/health/live')).status).toBe(200)
    expectNoBug(app)
  })

  test('cut off behind the headers are no bug of the rate limit, which finds no address to count', async ({ app }) => {
    const limited = await startApp({ ...app.env, AUTH_RATE_LIMIT: '300' })
    const sent = `POST ${register} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`
    await expect.poll(async () => (await limited.request('GET', '/health')).status).toBe(200)
    for (let i = 0; i < 10; i++) expect(await exchange(limited, sent)).toMatch(/^HTTP\/1.1 400 /)
    limited.child.kill('SIGTERM')
    await limited.ended
    expectNoBug(limited)
  })
})

describe('anything at all', () => {
  test('sent as a body is answered with less than 500', async ({ app }) => {
    const { token } = await sharedUser(app)
    const target = fc.constantFrom(
      ['POST', register],
      ['POST', '/api/v1/auth/login'],
      ['POST', '/api/v1/tickets'],
      ['PATCH', `/api/v1/tickets/${uuid}`],
    )
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    const field = fc.constantFrom(
      'email',
      'password',
      'full_name',
      'title',
      'description',
      'status',
      'priority',
      'assignee_id',
    )
    const body = fc.oneof(
      fc
        .dictionary(field, fc.oneof(text, fc.jsonValue(), fc.uuid()), { maxKeys: 5 })
        .map(value => JSON.stringify(value)),
      fc.json(),
      fc.uint8Array({ maxLength: 200 }).map(value => Buffer.from(value)),
    )
    await fc.assert(
      fc.asyncProperty(target, body, async ([method = '', path = ''], sent) => {
        const answer = await app.request(method, path, { token, body: sent })
        expect(answer.status, answer.text).toBeLessThan(500)
      }),
      { numRuns: 300 },
    )
    expectNoBug(app)
  })

  test('in a URL or a token is answered with less than 500', async ({ app }) => {
    const { token } = await sharedUser(app)
    const url = fc.string({ unit: fc.constantFrom(...'abc01%/?&=.:;+-_~@#[]{}|^`\\"<>é'), maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(url, fc.boolean(), fc.base64String({ maxLength: 80 }), async (tail, known, noise) => {
        const path = `/api/v1/tickets${known ? '?cursor=' : '/'}${tail.replaceAll('#', '%23')}`
        const answer = await app.request('GET', path, { token: known ? token : noise })
        expect(answer.status, answer.text).toBeLessThan(500)
      }),
      { numRuns: 300 },
    )
    expectNoBug(app)
  })
})

let user: ReturnType<typeof newUser> | undefined

function sharedUser(app: AppFixture): ReturnType<typeof newUser> {
  user ??= newUser(app)
  return user
}

function expectNoBug(app: RunningApp): void {
  expect(app.lines.filter(({ level }) => Number(level) >= 50)).toEqual([])
}

/** Sends bytes as they are, and gives what comes back until the connection ends. */
async function exchange(app: RunningApp, sent: string): Promise<string> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  socket.setEncoding('utf8').write(sent)
  let received = ''
  for await (const part of socket) received += part
  return received
}
