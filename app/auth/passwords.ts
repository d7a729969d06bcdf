// Passwords: argon2id, hashed on libuv's threads, compared in constant time.

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { HashQueue } from './hash-queue.ts'
import { type Argon2Hash, formatPhc, parsePhc } from './phc.ts'

/** OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const hashBytes = 32

export interface Passwords {
  /** The text to store for a new password. */
  hash(password: string): Promise<string>
  /**
   * Whether the password is the one that was stored. Without a stored one (no such user) it takes as long and returns false.
   */
  verify(password: string, stored: string | undefined): Promise<boolean>
  /** Whether a stored hash was made with other parameters than a new one would be. */
  isOutdated(stored: string): boolean
}

/**
 * At most two hashes at once: libuv has four threads, and name lookups and files need some of them.
 * `onHash` is called for every hash that is computed.
 */
export function createPasswords(onHash: () => void = () => {}): Passwords {
  const queue = new HashQueue(Math.min(2, availableParallelism()), 64)
  const derive = (password: string, { memory, passes, parallelism, salt, hash }: Argon2Hash) =>
    queue.run(
      () =>
        new Promise<Buffer>((resolve, reject) => {
          onHash()
          // The same password typed on another keyboard may come composed differently (NIST SP 800-63B, 3.1.1.2).
          const message = password.normalize('NFKC')
          argon2(
            'argon2id',
            { message, nonce: salt, memory, passes, parallelism, tagLength: hash.length },
            (error, derived) => (error ? reject(error) : resolve(derived)),
          )
        }),
    )
  const fresh = () => ({ ...parameters, salt: randomBytes(saltBytes), hash: Buffer.alloc(hashBytes) })
  // A hash of no password, with today's parameters: what an unknown e-mail is compared with.
  const noPassword: Argon2Hash = { ...fresh(), hash: randomBytes(hashBytes) }

  return {
    async hash(password) {
      const made = fresh()
      return formatPhc({ ...made, hash: await derive(password, made) })
    },
    async verify(password, stored) {
      const known = stored === undefined ? undefined : parsePhc(stored)
      const expected = known ?? noPassword
      const isEqual = timingSafeEqual(await derive(password, expected), expected.hash)
      return isEqual && known !== undefined
    },
    isOutdated(stored) {
      const known = parsePhc(stored)
      return (
        known === undefined ||
        known.memory !== parameters.memory ||
        known.passes !== parameters.passes ||
        known.parallelism !== parameters.parallelism
      )
    },
  }
}
