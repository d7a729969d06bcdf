// Passwords: what other argon2 libraries make is understood, nothing is skipped for people who do not exist.

import { describe, expect, test } from 'vitest'
import { HashQueue } from '../../../app/auth/hash-queue.ts'
import { createPasswords } from '../../../app/auth/passwords.ts'
import { parsePhc } from '../../../app/auth/phc.ts'

// Made with another implementation (@node-rs/argon2).
const foreign = {
  current: '$argon2id$v=19$m=19456,t=2,p=1$QExIoCRLcgvReBF/BzxoRQ$M+0NFwkMAHhk6cKDP6/f1BXpGQq/X4X+wWcc+vHBFKs',
  outdated: '$argon2id$v=19$m=4096,t=3,p=2$C12KUEysbwlU5jZtPPxYoA$Ts+UFKtbTMg3r/Rgm5nbHN2T4N0Mp5jK56DIT4rnufk',
}
const password = 'correct horse battery staple'

describe('a stored hash', () => {
  test('says how it was made: argon2id with the parameters that OWASP asks for', async () => {
    const stored = await createPasswords().hash(password)
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(parsePhc(stored)).toMatchObject({ salt: { length: 16 }, hash: { length: 32 } })
  })

  test('is another one each time, and verifies', async () => {
    const passwords = createPasswords()
    const [one, other] = await Promise.all([passwords.hash(password), passwords.hash(password)])
    expect(one).not.toBe(other)
    expect(await passwords.verify(password, one)).toBe(true)
    expect(await passwords.verify(`${password} `, one)).toBe(false)
  })

  test.each(Object.entries(foreign))('from another library verifies: %s parameters', async (name, stored) => {
    const passwords = createPasswords()
    expect(await passwords.verify(password, stored)).toBe(true)
    expect(await passwords.verify('another password', stored)).toBe(false)
    expect(passwords.isOutdated(stored)).toBe(name === 'outdated')
  })

  test('verifies however the same characters were typed', async () => {
    const passwords = createPasswords()
    expect(await passwords.verify('caf\u00e9 au lait', await passwords.hash('cafe\u0301 au lait'))).toBe(true)
  })
})

describe('an account that cannot log in', () => {
  test.each([
    ['an unknown user', undefined],
    ['a hash that is none', 'disabled'],
  ])('%s costs a hash all the same', async (_, stored) => {
    let hashes = 0
    const passwords = createPasswords(() => hashes++)
    expect(await passwords.verify(password, stored)).toBe(false)
    expect(hashes).toBe(1)
  })
})

describe('the queue', () => {
  test('runs only so many at once, all of them in the end, also after one has failed', async () => {
    const queue = new HashQueue(2, 10)
    let running = 0
    let most = 0
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        queue.run(async () => {
          most = Math.max(most, ++running)
          await new Promise(resolve => setImmediate(resolve))
          running--
          if (i % 3 === 0) throw new Error('failed')
          return i
        }),
      ),
    )
    expect(most).toBe(2)
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual(results.map((_, i) => i % 3 !== 0))
    expect(await queue.run(async () => 'still working')).toBe('still working')
  })

  test('refuses with a 503 rather than grow without end', async () => {
    const queue = new HashQueue(1, 1)
    const { promise, resolve } = Promise.withResolvers<string>()
    const first = queue.run(() => promise)
    const second = queue.run(async () => 'second')
    await expect(queue.run(async () => 'third')).rejects.toMatchObject({ status: 503 })
    resolve('first')
    expect(await Promise.all([first, second])).toEqual(['first', 'second'])
  })
})
