// Register, log in, and see who you are.

import type pg from 'pg'
import { Type } from 'typebox'
import type { App } from '../fastify.ts'
import { Problem } from '../problem.ts'
import { bearerSecurity, Email, nullable, problems, Timestamp, text, Uuid } from '../schemas.ts'
import type { Bearer } from './bearer.ts'
import type { Passwords } from './passwords.ts'
import { type Tokens, tokenSeconds } from './tokens.ts'
import { findLogin, registerUser, renewHash } from './users.ts'

const UserSchema = Type.Object({
  id: Uuid,
  email: Type.String(),
  full_name: Type.String(),
  created_at: Timestamp,
  organization: nullable(
    Type.Object({ id: Uuid, name: Type.String(), role: Type.Enum(['owner', 'admin', 'agent', 'member']) }),
  ),
})

const Registration = Type.Object(
  {
    email: Email,
    password: Type.String({ minLength: 8, maxLength: 128 }),
    full_name: text(200),
  },
  { additionalProperties: false },
)

const Credentials = Type.Object(
  { email: Type.String({ maxLength: 254 }), password: Type.String({ maxLength: 128 }) },
  { additionalProperties: false },
)

const TokenSchema = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ description: 'seconds' }),
})

export interface AuthParts {
  readonly pool: pg.Pool
  readonly passwords: Passwords
  readonly tokens: Tokens
  readonly bearer: Bearer
  /** Requests a minute from one address; 0 is no limit. */
  readonly rateLimit: number
}

/**
 * The routes below /auth. `rateLimit`: requests a minute from one address that may log in or register; 0 is no limit.
 */
export function authRoutes(app: App, { pool, passwords, tokens, bearer, rateLimit }: AuthParts): void {
  const config = rateLimit > 0 ? { rateLimit: { max: rateLimit, timeWindow: '1 minute' } } : {}
  const tags = ['auth']

  app.post(
    '/register',
    {
      config,
      schema: {
        tags,
        summary: 'Make an account, and an organization with it',
        body: Registration,
        response: { 201: UserSchema, ...problems(400, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      const { email, password, full_name } = request.body
      const user = await registerUser(pool, { email, full_name, passwordHash: await passwords.hash(password) })
      return reply.code(201).send(user)
    },
  )

  app.post(
    '/login',
    {
      config,
      schema: {
        tags,
        summary: 'Get a token',
        body: Credentials,
        response: { 200: TokenSchema, ...problems(400, 401, 429, 503) },
      },
    },
    async request => {
      const { email, password } = request.body
      const login = await findLogin(pool, email)
      // Also without a login: the answer must not come sooner for an unknown e-mail than for a wrong password.
      const isRight = await passwords.verify(password, login?.password_hash)
      if (!login || !isRight)
        throw new Problem(401, 'The e-mail or the password is wrong.', {
          headers: { 'www-authenticate': 'Bearer realm="tickets"' },
        })
      if (passwords.isOutdated(login.password_hash))
        await renewHash(pool, login.id, login.password_hash, await passwords.hash(password))
      return { access_token: await tokens.issue(login.id), token_type: 'bearer' as const, expires_in: tokenSeconds }
    },
  )

  app.get(
    '/me',
    {
      onRequest: bearer.require,
      schema: {
        tags,
        summary: 'The user whom the token belongs to',
        security: bearerSecurity,
        response: { 200: UserSchema, ...problems(401, 503) },
      },
    },
    async request => bearer.user(request),
  )
}
