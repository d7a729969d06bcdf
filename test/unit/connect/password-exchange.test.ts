// The bundle's own part of a password's exchange does what pg's does.

import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import * as ours from '../../../migrator/postgres/password-exchange.ts'

const theirs: typeof ours = createRequire(import.meta.url)('pg/lib/crypto/utils')

const bytes = (result: string | ArrayBuffer | Uint8Array) =>
  typeof result === 'string'
    ? result
    : Buffer.from(result instanceof Uint8Array ? result : new Uint8Array(result)).toString('hex')

test('every function of pg has its counterpart', () => {
  expect(Object.keys(ours).toSorted()).toEqual(Object.keys(theirs).toSorted())
})

test('the same passwords, salts and messages give the same bytes', async () => {
  const salt = Buffer.from('a salt of bytes \x00\xff', 'latin1')
  for (const password of ['secret', '', 'pässwörd 🔑', 'x'.repeat(200)]) {
    const key = await theirs.deriveKey(password, salt, 4096)
    expect(bytes(await ours.deriveKey(password, salt, 4096))).toBe(bytes(key))
    // each hands its own results on: an ArrayBuffer in pg's case
    const ourKey = await ours.deriveKey(password, salt, 4096)
    expect(bytes(await ours.hmacSha256(ourKey, `Client Key ${password}`))).toBe(
      bytes(await theirs.hmacSha256(key, `Client Key ${password}`)),
    )
    expect(bytes(await ours.sha256(ourKey))).toBe(bytes(await theirs.sha256(key)))
    expect(await ours.postgresMd5PasswordHash('user', password, salt)).toBe(
      await theirs.postgresMd5PasswordHash('user', password, salt),
    )
    for (const name of ['SHA-256', 'SHA-384', 'SHA-512'])
      expect(bytes(await ours.hashByName(name, salt))).toBe(bytes(await theirs.hashByName(name, salt)))
  }
  expect(ours.randomBytes(18)).toHaveLength(18)
})
