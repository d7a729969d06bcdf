// Access tokens: signed JWTs (HS256) that say who the bearer is and for how long.

import { createSecretKey } from 'node:crypto'
import { isUuid } from '../schemas.ts'

export const tokenSeconds = 3_600

// jose is loaded with the first token: an app that starts has none to read yet
const jose = () => import('jose')

const issuer = 'tickets'
const audience = 'tickets-api'

export interface Tokens {
  issue(userId: string): Promise<string>
  /** The user's id; undefined if the token is not ours, was changed, or is no longer valid. */
  read(token: string): Promise<string | undefined>
}

/** `now` in milliseconds: the clock that tokens are dated and checked by. */
export function createTokens(secret: Uint8Array, now: () => number = Date.now): Tokens {
  const key = createSecretKey(secret)
  return {
    async issue(userId) {
      const { SignJWT } = await jose()
      const issuedAt = Math.floor(now() / 1000)
      return new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + tokenSeconds)
        .sign(key)
    },
    async read(token) {
      const { errors, jwtVerify } = await jose()
      try {
        const { payload } = await jwtVerify(token, key, {
          // Named, so that a token cannot choose how it is checked.
          algorithms: ['HS256'],
          issuer,
          audience,
          requiredClaims: ['sub', 'exp', 'iat'],
          currentDate: new Date(now()),
        })
        return isUuid(payload.sub) ? payload.sub : undefined
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    },
  }
}
