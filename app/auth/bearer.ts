// Who is asking: the user behind a request's bearer token, looked up for each request.

import type { FastifyRequest } from 'fastify'
import type pg from 'pg'
import { Problem } from '../problem.ts'
import type { Tokens } from './tokens.ts'
import { findUser, type User } from './users.ts'

export interface Bearer {
  /** A hook for routes that need a user: before the body is read, so that a stranger learns nothing of it. */
  require(request: FastifyRequest): Promise<void>
  /** The user whom `require` found. */
  user(request: FastifyRequest): User
}

/** A token alone is not enough: a user who was deleted or disabled since it was issued is refused. */
export function createBearer(pool: pg.Pool, tokens: Tokens): Bearer {
  const users = new WeakMap<FastifyRequest, User>()
  return {
    async require(request) {
      const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (token === undefined) throw unauthorized('A bearer token is needed.', 'Bearer realm="tickets"')
      const id = await tokens.read(token)
      const user = id === undefined ? undefined : await findUser(pool, id)
      if (!user)
        throw unauthorized('The token is not valid, or has expired.', 'Bearer realm="tickets", error="invalid_token"')
      users.set(request, user)
    },
    user(request) {
      const user = users.get(request)
      if (!user) throw new Error('this route was added without the bearer hook')
      return user
    },
  }
}

function unauthorized(detail: string, challenge: string): Problem {
  return new Problem(401, detail, { headers: { 'www-authenticate': challenge } })
}
