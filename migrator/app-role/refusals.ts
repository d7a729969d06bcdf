// Why the app's role cannot be made, changed or used, with the way out.

import pg from 'pg'
import { DeniedError, UsageError } from '../errors.ts'
import type { RoleState } from './state.ts'

/**
 * Why an existing role may do more than an app should, with the way out; undefined if it may not.
 * @throws UsageError when it is the role that migrates.
 */
export function tooMuch(role: string, state: RoleState): string | undefined {
  if (role === state.me || role === state.sessionUser) {
    throw new UsageError(
      `The app's role ${role} is the owner that runs the migrations: it could change the schema. Choose another name.`,
    )
  }
  if (state.role === null) return undefined
  const why = state.role.superuser
    ? 'it is a superuser'
    : state.role.owns !== null
      ? `it owns ${state.role.owns}`
      : state.role.memberOf.length > 0
        ? `it is a member of ${state.role.memberOf.join(', ')}`
        : undefined
  if (why === undefined) return undefined
  const help =
    state.role.memberOf.length > 0
      ? `Revoke it (${state.role.memberOf.map(name => `revoke ${pg.escapeIdentifier(name)} from ${pg.escapeIdentifier(role)}`).join('; ')}), or choose another role.`
      : `Choose another role${state.role.superuser ? '' : `, or give that to ${state.me} (alter ... owner to)`}.`
  return `The app's role ${role} may do more than an app should: ${why}. ${help}`
}

/** The migrator's role may not make or change the app's. @param me its name, where it is known */
export function denied(role: string, me: string | undefined, cause: unknown): DeniedError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const owner = me ?? 'owner'
  return new DeniedError(
    `Role ${owner} lacks the privilege to create or alter the app's role ${role} (42501): ${message}. ` +
      `That needs CREATEROLE, and from PostgreSQL 16 on, for a role that another role has created, also the admin option: ` +
      `grant ${pg.escapeIdentifier(role)} to ${pg.escapeIdentifier(owner)} with admin option. Or leave --app-role out, let a superuser create the role, and grant it by hand what it needs: its tables, and of schema schemagate usage, with select on ledger, ledger_version and manifest.`,
    { cause },
  )
}
