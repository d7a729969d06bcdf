// From state about the app's role to the statements that put right what is schemagate's to decide. Pure: nothing is asked, nothing is sent.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { bounded } from './setup.ts'
import type { RoleAttributes, RoleState } from './state.ts'

/** Makes the role, without login. Everything that it must not be is the default of `create role`. */
export function createRole(role: string): string {
  return `create role ${quoteIdent(role)}`
}

/**
 * Puts an existing role's attributes right; undefined if they are, and no password is to be set. Only what is wrong is
 * named: Postgres before 16 lets only a superuser say even `nosuperuser`.
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

/**
 * What a ledger is schemagate's own to decide: the app reads this run's ledger, and changes none. Revoked from PUBLIC as
 * well: what PUBLIC has, the app has.
 */
export function ledgerStatements(role: string, state: RoleState): string[] {
  const to = quoteIdent(role)
  return [
    ...state.excess
      .filter(({ revocable, ledger }) => revocable && ledger)
      .map(({ kind, name, privileges }) => `revoke ${privileges.join(', ')} on ${kind} ${name} from ${to}, public`),
    ...state.lackingOnLedger.map(grant => `grant ${grant} to ${to}`),
  ]
}

/** What is not as an app should have it, in words for the log, each with the way out. */
export function roleNotes(role: string, state: RoleState): string[] {
  const excess = state.excess
    .filter(({ revocable, ledger }) => !(revocable && ledger))
    .map(({ kind, name, privileges }) => `${privileges.join(', ')} on ${kind} ${name}`)
  const harmless = state.role?.ownsHarmless
  return [
    ...(excess.length > 0
      ? [
          `The role ${role} can do more than an app should: ${bounded(excess)}. Revoke it, from ${role} or from PUBLIC, unless you want it so.`,
        ]
      : []),
    ...(harmless ? [`The role ${role} owns ${harmless}. An app's role need not own anything.`] : []),
    ...(state.role?.noConnections
      ? [
          `The role ${role} has connection limit 0: no app can log in. To undo it: alter role ${role} connection limit -1`,
        ]
      : []),
  ]
}
