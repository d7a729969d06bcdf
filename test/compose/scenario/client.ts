// What a user of the example app does first: register, log in, ask who they are.

import { expect } from 'vitest'

/**
 * Registers, logs in and reads the account back through `url`, each answered as documented.
 * Returns the account's token.
 */
export async function registerAndLogIn(url: string, email = 'ada@example.com'): Promise<string> {
  const account = { email, password: 'correct horse battery staple', full_name: 'Ada Lovelace' }
  const registered = await post(`${url}/api/v1/auth/register`, account)
  expect(registered).toMatchObject({ status: 201, body: { email } })
  const { password } = account
  const loggedIn = await post(`${url}/api/v1/auth/login`, { email, password })
  expect(loggedIn).toMatchObject({ status: 200, body: { token_type: 'bearer', access_token: expect.any(String) } })
  const token = String(loggedIn.body.access_token)
  const me = await fetch(`${url}/api/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } })
  expect(me.status).toBe(200)
  expect(await me.json()).toMatchObject({ email })
  return token
}

async function post(url: string, body: object) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
