// What a user of the example app does first: register, log in, ask who they are.

import { expect } from 'vitest'

const account = { email: 'ada@example.com', password: 'correct horse battery staple', full_name: 'Ada Lovelace' }

/** Registers, logs in and reads the account back through `url`, each answered as the contract says. */
export async function registerAndLogIn(url: string): Promise<void> {
  const registered = await post(`${url}/api/v1/auth/register`, account)
  expect(registered).toMatchObject({ status: 201, body: { email: account.email } })
  const { email, password } = account
  const loggedIn = await post(`${url}/api/v1/auth/login`, { email, password })
  expect(loggedIn).toMatchObject({ status: 200, body: { token_type: 'bearer', access_token: expect.any(String) } })
  const me = await fetch(`${url}/api/v1/auth/me`, {
    headers: { authorization: `Bearer ${loggedIn.body.access_token}` },
  })
  expect(me.status).toBe(200)
  expect(await me.json()).toMatchObject({ email: account.email })
}

async function post(url: string, body: object) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
