// From facts about the app's role to the statements that put it right. Pure: nothing is asked, nothing is sent.

import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'
import type { Facts, RoleAttributes } from './facts.ts'

/** Makes the role. Everything that it must not be is the default of `create role`. */
export function createRole(role: string, verifier: string): string {
  return `create role ${quoteIdent(role)} login password ${quoteLiteral(verifier)}`
}

/**
 * Puts an existing role's attributes right; undefined if they are, and no password is to be set. Only what is wrong is
 * named: Postgres before 16 lets nobody but a superuser say even `nosuperuser`.
 */
export function alterRole(role: string, attributes: RoleAttributes, verifier: string | undefined): string | undefined {
  const clauses = [
    attributes.login ? [] : ['login'],
    attributes.expired ? [`valid until 'infinity'`] : [],
    attributes.createdb ? ['nocreatedb'] : [],
    attributes.createrole ? ['nocreaterole'] : [],
    attributes.replication ? ['noreplication'] : [],
    attributes.bypassrls ? ['nobypassrls'] : [],
    verifier === undefined ? [] : [`password ${quoteLiteral(verifier)}`],
  ].flat()
  return clauses.length === 0 ? undefined : `alter role ${quoteIdent(role)} ${clauses.join(' ')}`
}

/** The grants, default privileges and revocations that are still needed and may be made by this connection. */
export function grants(role: string, facts: Facts): string[] {
  const to = quoteIdent(role)
  return [
    // From PUBLIC as well: what everybody has, the app has.
    ...facts.excess
      .filter(({ revocable }) => revocable)
      .map(({ kind, name, privileges }) => `revoke ${privileges.join(', ')} on ${kind} ${name} from ${to}, public`),
    ...facts.lacking
      .filter(({ grantable }) => grantable)
      .map(({ kind, name, privileges }) => `grant ${privileges.join(', ')} on ${kind} ${name} to ${to}`),
    ...facts.defaults.map(
      ({ schema, kind, privileges }) =>
        `alter default privileges in schema ${schema} grant ${privileges.join(', ')} on ${kind} to ${to}`,
    ),
  ]
}

/** What could not be put right from here, in words for the log: each with who can. */
export function notes(role: string, facts: Facts): string[] {
  const lacking = facts.lacking.filter(({ grantable }) => !grantable).map(({ kind, name }) => `${kind} ${name}`)
  const excess = facts.excess
    .filter(({ revocable }) => !revocable)
    .map(({ kind, name, privileges }) => `${privileges.join(', ')} on ${kind} ${name}`)
  return [
    lacking.length === 0
      ? []
      : [
          `The role ${role} was not granted what belongs to other roles than ${facts.me}: ${cut(lacking)}. Their owners can grant it.`,
        ],
    excess.length === 0
      ? []
      : [
          `The role ${role} can do more than an app should, and ${facts.me} cannot revoke it: ${cut(excess)}. The owner can.`,
        ],
  ].flat()
}

const SHOWN = 5

function cut(names: readonly string[]): string {
  return names.length > SHOWN
    ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`
    : names.join(', ')
}
