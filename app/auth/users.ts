// Users in the database: registered with an organisation of their own, found by e-mail or by id.

import type pg from 'pg'
import { audit } from '../audit.ts'
import { brokenConstraint, inTransaction, iso, type Queryable } from '../database.ts'
import { Problem } from '../problem.ts'

export type Role = 'owner' | 'admin' | 'agent' | 'member'

export interface User {
  readonly id: string
  readonly email: string
  readonly full_name: string
  readonly created_at: string
  /** The organisation they have been a member of for longest; null if they are in none. */
  readonly organization: { readonly id: string; readonly name: string; readonly role: Role } | null
}

export interface NewUser {
  readonly email: string
  readonly full_name: string
  readonly passwordHash: string
}

/**
 * Makes the user and their organisation, or neither. Throws a 409 if the e-mail is taken, also by one that another
 * request has just made.
 */
export async function registerUser(pool: pg.Pool, { email, full_name, passwordHash }: NewUser): Promise<User> {
  try {
    return await inTransaction(pool, async transaction => {
      const id = await insertedId(
        transaction,
        'insert into users (email, password_hash, full_name) values ($1, $2, $3) returning id',
        [email, passwordHash, full_name],
      )
      const organizationId = await insertedId(
        transaction,
        'insert into organizations (name) values ($1) returning id',
        // The column holds 200 characters, and so does a name.
        [[...full_name].length > 180 ? full_name : `${full_name}'s organization`],
      )
      await transaction.query('insert into memberships (organization_id, user_id, role) values ($1, $2, $3)', [
        organizationId,
        id,
        'owner',
      ])
      await audit(transaction, { organizationId, actorId: id, action: 'user.registered', entityId: id })
      const user = await findUser(transaction, id)
      if (!user) throw new Error('a user who was just made is not there')
      return user
    })
  } catch (error) {
    if (brokenConstraint(error, '23505') === 'users_email_key')
      throw new Problem(409, 'There is an account with this e-mail address already.')
    throw error
  }
}

/** An active user, or undefined. */
export async function findUser(database: Queryable, id: string): Promise<User | undefined> {
  const { rows } = await database.query<Omit<User, 'organization'> & { organization: User['organization'] }>(
    `select u.id, u.email, u.full_name, ${iso('u.created_at')} as created_at,
       (select json_build_object('id', o.id, 'name', o.name, 'role', m.role)
        from memberships m join organizations o on o.id = m.organization_id
        where m.user_id = u.id order by m.created_at, m.organization_id limit 1) as organization
     from users u where u.id = $1 and u.state = 'active'`,
    [id],
  )
  return rows[0]
}

/** What a login is checked against. A disabled user cannot log in, and looks like one who does not exist. */
export async function findLogin(
  database: Queryable,
  email: string,
): Promise<{ id: string; password_hash: string } | undefined> {
  const { rows } = await database.query<{ id: string; password_hash: string }>(
    `select id, password_hash from users where lower(email) = lower($1) and state = 'active'`,
    [email],
  )
  return rows[0]
}

/** Stores the same password with a new hash, unless the password was changed in between. */
export async function renewHash(database: Queryable, id: string, from: string, to: string): Promise<void> {
  await database.query('update users set password_hash = $3 where id = $1 and password_hash = $2', [id, from, to])
}

async function insertedId(database: Queryable, sql: string, values: readonly unknown[]): Promise<string> {
  const { rows } = await database.query<{ id: string }>(sql, values)
  if (!rows[0]) throw new Error('an insert returned no row')
  return rows[0].id
}
