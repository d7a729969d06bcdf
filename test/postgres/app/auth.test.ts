// Register, log in, me: what is documented, and what people try instead.

import { createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { describe, expect } from 'vitest'
import { createPasswords } from '../../../app/auth/passwords.ts'
import { expectProblem, jwtSecret, newUser, type RunningApp, startApp, test } from '../../helpers/app-process.ts'

const register = (app: RunningApp, body: unknown) => app.request('POST', '/api/v1/auth/register', { body })
const login = (app: RunningApp, body: unknown) => app.request('POST', '/api/v1/auth/login', { body })
const me = (app: RunningApp, token?: string) =>
  app.request('GET', '/api/v1/auth/me', token === undefined ? {} : { token })

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

describe('registering', () => {
  test('answers 201 with the user, without the password, and makes an organisation that they own', async ({ app }) => {
    const answer = await register(app, { email: 'Ann@Example.org', password: 'a good password', full_name: 'Ann' })
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.text)).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: 'Ann@Example.org',
      full_name: 'Ann',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      organization: { id: expect.any(String), name: "Ann's organization", role: 'owner' },
    })
    const { rows } = await app.database.query('select action, actor_id::text from audit_log where entity_id = $1', [
      answer.get('id'),
    ])
    expect(rows).toEqual([{ action: 'user.registered', actor_id: answer.get('id') }])
  })

  test('stores an argon2id hash and nothing else of the password', async ({ app }) => {
    const { id, password } = await newUser(app)
    const { rows } = await app.database.query('select password_hash from users where id = $1', [id])
    expect(rows[0].password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(app.lines.map(line => JSON.stringify(line)).join('\n')).not.toContain(password)
  })

  test('answers 409 for an e-mail that is taken, however it is capitalised', async ({ app }) => {
    const { email, password } = await newUser(app)
    expectProblem(await register(app, { email: email.toUpperCase(), password, full_name: 'Other' }), 409)
  })

  test('makes one account when many register the same e-mail at once, and leaves nothing of the others', async ({
    app,
  }) => {
    const body = { email: 'race@example.org', password: 'a good password', full_name: 'Racer' }
    const answers = await Promise.all(Array.from({ length: 6 }, () => register(app, body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    const { rows } = await app.database.query(
      `select count(*)::int from organizations where name = 'Racer''s organization'`,
    )
    expect(rows).toEqual([{ count: 1 }])
  })

  test('takes names and passwords in any script, up to the full length', async ({ app }) => {
    const credentials = { email: 'emoji@example.org', password: '🔐'.repeat(128) }
    const full_name = `${'名'.repeat(199)}🙂`
    const answer = await register(app, { ...credentials, full_name })
    expect(answer.status, answer.text).toBe(201)
    expect(answer.get('full_name')).toBe(full_name)
    expect((await login(app, credentials)).status).toBe(200)
  })
})

describe('logging in', () => {
  test('answers 200 with a bearer token and how long it is good', async ({ app }) => {
    const { email, password } = await newUser(app)
    const answer = await login(app, { email: email.toUpperCase(), password })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 3600,
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('answers a wrong password, an unknown e-mail and a disabled account alike', async ({ app }) => {
    const { email, password } = await newUser(app)
    const disabled = await newUser(app)
    await app.database.query(`update users set state = 'disabled' where id = $1`, [disabled.id])
    const answers = await Promise.all([
      login(app, { email, password: `${password}!` }),
      login(app, { email: 'nobody@example.org', password }),
      login(app, { email: disabled.email, password: disabled.password }),
    ])
    for (const answer of answers) expectProblem(answer, 401)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  })

  test('takes as long for an unknown e-mail as for a wrong password', async ({ app }) => {
    const { email } = await newUser(app)
    const times = { known: [] as number[], unknown: [] as number[] }
    // In turns, so that whatever else the machine does falls on both.
    for (let i = 0; i < 9; i++) {
      for (const [kind, address] of [
        ['known', email],
        ['unknown', `nobody${i}@example.org`],
      ] as const) {
        const started = performance.now()
        expectProblem(await login(app, { email: address, password: 'a wrong password' }), 401)
        times[kind].push(performance.now() - started)
      }
    }
    // A hash takes tens of milliseconds, all else one or two: without it this would be a small fraction.
    expect(median(times.unknown) / median(times.known)).toBeGreaterThan(0.5)
    expect(median(times.unknown) / median(times.known)).toBeLessThan(2)
  })

  test('renews a hash that was made with other parameters', async ({ app }) => {
    const { id, email } = await newUser(app)
    const old = '$argon2id$v=19$m=4096,t=3,p=2$C12KUEysbwlU5jZtPPxYoA$Ts+UFKtbTMg3r/Rgm5nbHN2T4N0Mp5jK56DIT4rnufk'
    await app.database.query('update users set password_hash = $2 where id = $1', [id, old])
    const credentials = { email, password: 'correct horse battery staple' }
    expect((await login(app, credentials)).status).toBe(200)
    const { rows } = await app.database.query('select password_hash from users where id = $1', [id])
    expect(createPasswords().isOutdated(rows[0].password_hash)).toBe(false)
    expect((await login(app, credentials)).status).toBe(200)
  })

  test('many at once do not hold up a health check', async ({ app }) => {
    const { email, password } = await newUser(app)
    let busy = true
    const started = performance.now()
    const logins = Promise.all(Array.from({ length: 16 }, () => login(app, { email, password }))).finally(() => {
      busy = false
    })
    const waits: number[] = []
    while (busy) {
      const asked = performance.now()
      expect((await app.request('GET', '/health')).status).toBe(200)
      waits.push(performance.now() - asked)
    }
    const took = performance.now() - started
    expect((await logins).map(({ status }) => status)).toEqual(Array(16).fill(200))
    expect(waits.length).toBeGreaterThan(3)
    // Hashed on the event loop, they would make each check wait for a hash or more: that is what a login takes.
    expect(median(waits)).toBeLessThan(took / 16 / 2)
  })
})

describe('me', () => {
  test('answers 200 with the user whom the token belongs to', async ({ app }) => {
    const { token, id, email } = await newUser(app)
    const answer = await me(app, token)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ id, email, full_name: 'Some One' })
    expect(answer.text).not.toContain('password')
  })

  test('answers 401 without a token, and says how to send one', async ({ app }) => {
    const answer = await me(app)
    expectProblem(answer, 401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  test('answers 401 for any token that we did not sign for this', async ({ app }) => {
    const { id, token } = await newUser(app)
    const now = Math.floor(Date.now() / 1000)
    const signed = (secret: string, claims: Record<string, unknown>, algorithm = 'HS256') =>
      new SignJWT({ iss: 'tickets', aud: 'tickets-api', sub: id, iat: now, exp: now + 60, ...claims })
        .setProtectedHeader({ alg: algorithm })
        .sign(createSecretKey(Buffer.from(secret)))
    // The control: what the others differ from is good.
    expect((await me(app, await signed(jwtSecret, {}))).status).toBe(200)
    const [header, payload, signature] = token.split('.')
    const unsigned = Buffer.from('{"alg":"none"}').toString('base64url')
    const bad = [
      await signed('another secret, also long enough for HS256', {}),
      await signed(jwtSecret, { exp: now - 1 }),
      await signed(jwtSecret, { exp: undefined }),
      await signed(jwtSecret, { aud: 'another service' }),
      await signed(jwtSecret, { iss: 'somebody' }),
      await signed(jwtSecret, { sub: undefined }),
      await signed(jwtSecret.repeat(2), {}, 'HS512'),
      `${unsigned}.${payload}.`,
      `${header}.${payload}.${signature?.split('').reverse().join('')}`,
      'x',
      '..',
      'a'.repeat(5000),
    ]
    for (const each of bad) expectProblem(await me(app, each), 401)
  })

  test('answers 401 for a subject that is no user id, not 500', async ({ app }) => {
    const now = Math.floor(Date.now() / 1000)
    const token = await new SignJWT({ iss: 'tickets', aud: 'tickets-api', sub: 'root', iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(createSecretKey(Buffer.from(jwtSecret)))
    expectProblem(await me(app, token), 401)
  })

  test('answers 401 once the user is disabled or gone', async ({ app }) => {
    const [disabled, gone] = [await newUser(app), await newUser(app)]
    await app.database.query(`update users set state = 'disabled' where id = $1`, [disabled.id])
    await app.database.query('delete from users where id = $1', [gone.id])
    expectProblem(await me(app, disabled.token), 401)
    expectProblem(await me(app, gone.token), 401)
  })
})

describe('the rate limit', () => {
  test('turns away one address that asks too often, until it has waited, and no other route', async ({ app }) => {
    const limited = await startApp({ ...app.env, AUTH_RATE_LIMIT: '3' })
    const wrong = { email: 'nobody@example.org', password: 'a wrong password' }
    await expect.poll(async () => (await limited.request('GET', '/health')).status).toBe(200)
    for (let i = 0; i < 3; i++) expectProblem(await login(limited, wrong), 401)
    const refused = await login(limited, wrong)
    expectProblem(refused, 429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expectProblem(await me(limited), 401)
  })

  test('counts who asks, not their proxy, when the proxy is trusted', async ({ app }) => {
    const limited = await startApp({ ...app.env, AUTH_RATE_LIMIT: '1', TRUSTED_PROXIES: '127.0.0.1' })
    await expect.poll(async () => (await limited.request('GET', '/health')).status).toBe(200)
    const from = (address: string) =>
      limited.request('POST', '/api/v1/auth/login', {
        body: { email: 'nobody@example.org', password: 'a wrong password' },
        headers: { 'x-forwarded-for': address },
      })
    expectProblem(await from('192.0.2.1'), 401)
    expectProblem(await from('192.0.2.2'), 401)
    expectProblem(await from('192.0.2.1'), 429)
  })
})
