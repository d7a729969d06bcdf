// The requests of the smoke test, sent with curl, and what the example app has to answer.

import { randomBytes } from 'node:crypto'
import { $ } from 'zx'

/** What came of one check. */
export interface Answer {
  readonly name: string
  /** Method and path. */
  readonly request: string
  readonly status: number | string
  readonly ok: boolean
  /** What was wrong, for one that is not ok. */
  readonly why: string
}

interface Response {
  readonly status: number
  readonly body: unknown
}

interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token?: string
  readonly json?: object
}

/** Whether a `curl` is in PATH and runs. */
export async function haveCurl(): Promise<boolean> {
  return (await $({ quiet: true, nothrow: true })`curl --version`).exitCode === 0
}

/** Sends the requests one after the other, as a new user. Each answer is given as it comes. */
export async function* checks(url: string): AsyncGenerator<Answer> {
  const check = checkAt(url)
  const user = {
    email: `smoke-${randomBytes(6).toString('hex')}@example.com`,
    password: randomBytes(12).toString('hex'),
  }
  const login = (password: string): Request => ({
    method: 'POST',
    path: '/api/v1/auth/login',
    json: { email: user.email, password },
  })
  const register: Request = {
    method: 'POST',
    path: '/api/v1/auth/register',
    json: { ...user, full_name: 'Smoke Test' },
  }
  let token = ''

  yield await check('health', { method: 'GET', path: '/health' }, 200, body => text(body, 'status') === 'healthy')
  yield await check(
    'register',
    register,
    201,
    body => text(body, 'email') === user.email && text(body, 'password') === '',
  )
  yield await check('register again', register, 409, () => true)
  yield await check('login', login(user.password), 200, body => {
    token = text(body, 'access_token')
    return token !== '' && text(body, 'token_type') === 'bearer'
  })
  yield await check('login, wrong password', login(`${user.password}x`), 401, body => text(body, 'access_token') === '')
  const me: Request = { method: 'GET', path: '/api/v1/auth/me' }
  yield await check('me', { ...me, token }, 200, body => text(body, 'email') === user.email)
  yield await check('me, without a token', me, 401, body => text(body, 'email') === '')
}

/**
 * The same, leaving nothing behind: for a stack that serves real users. A login that must be refused reads the tables as
 * one that succeeds does.
 */
export async function* harmlessChecks(url: string): AsyncGenerator<Answer> {
  const check = checkAt(url)
  const login: Request = {
    method: 'POST',
    path: '/api/v1/auth/login',
    json: { email: `nobody-${randomBytes(6).toString('hex')}@example.com`, password: randomBytes(12).toString('hex') },
  }
  yield await check('health', { method: 'GET', path: '/health' }, 200, body => text(body, 'status') === 'healthy')
  yield await check('login, unknown email', login, 401, body => text(body, 'access_token') === '')
  yield await check('me, without a token', { method: 'GET', path: '/api/v1/auth/me' }, 401, () => true)
}

function checkAt(url: string) {
  return async (name: string, request: Request, expected: number, look: (body: unknown) => boolean) => {
    const { status, body } = await curl(url, request)
    const why =
      status !== expected
        ? `expected ${expected}: ${JSON.stringify(body)}`
        : look(body)
          ? ''
          : `unexpected: ${JSON.stringify(body)}`
    return { name, request: `${request.method} ${request.path}`, status, ok: why === '', why }
  }
}

/** Everything goes in through curl's stdin, so that no password or token shows in the process list. */
async function curl(url: string, { method, path, token, json }: Request): Promise<Response> {
  const lines = [
    ['url', `${url}${path}`],
    ['request', method],
    ['write-out', '\n%{http_code}'],
    ['max-time', '10'],
    ['noproxy', '*'],
    ...(token === undefined ? [] : [['header', `authorization: Bearer ${token}`]]),
    ...(json === undefined
      ? []
      : [
          ['header', 'content-type: application/json'],
          ['data', JSON.stringify(json)],
        ]),
  ]
  const config = lines.map(([option, value]) => `${option} = ${JSON.stringify(value)}`).join('\n')
  const run = await $({ quiet: true, nothrow: true, input: config })`curl --silent --show-error --config -`
  if (run.exitCode !== 0) return { status: 0, body: run.stderr.trim() }
  const at = run.stdout.lastIndexOf('\n')
  return { status: Number(run.stdout.slice(at + 1)), body: parsed(run.stdout.slice(0, at)) }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

/** A text in a JSON object, empty if there is none. */
function text(body: unknown, key: string): string {
  if (typeof body !== 'object' || body === null) return ''
  const value: unknown = Reflect.get(body, key)
  return typeof value === 'string' ? value : ''
}
