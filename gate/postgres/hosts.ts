// Several hosts: libpq tries them in order until one has a server of the wanted kind. pg knows only one.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS

/** What `target_session_attrs` may be. */
export const sessionAttributes = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const

/** libpq's `target_session_attrs`: which kind of server is wanted. */
export type SessionAttributes = (typeof sessionAttributes)[number]

/**
 * The default. libpq takes any server; but of several hosts most are standbys, where neither a migrator nor an app can
 * write.
 */
export function defaultAttributes(hosts: number): SessionAttributes {
  return hosts > 1 ? 'read-write' : 'any'
}

/** The rounds through all hosts, each with the kind it takes: `prefer-standby` first takes standbys, then any server. */
export function rounds(attributes: SessionAttributes): readonly Exclude<SessionAttributes, 'prefer-standby'>[] {
  return attributes === 'prefer-standby' ? ['standby', 'any'] : [attributes]
}

/** What a server says of its kind. */
export interface ServerKind {
  readonly standby: boolean
  readonly read_only: boolean
}

/** The columns of a query that asks for it. */
export const serverKindColumns = `pg_catalog.pg_is_in_recovery() as standby, pg_catalog.current_setting('transaction_read_only') = 'on' as read_only`

/** The server answers, but is not of the kind that is wanted. */
export class WrongServerError extends Error {}

/** @throws WrongServerError if a server of this kind is not `wanted`. */
export function requireKind(
  { standby, read_only: readOnly }: ServerKind,
  wanted: Exclude<SessionAttributes, 'prefer-standby'>,
): void {
  const suits = { any: true, 'read-write': !readOnly, 'read-only': readOnly, primary: !standby, standby }
  if (suits[wanted]) return
  const kind = standby ? 'a standby' : readOnly ? 'a read-only primary' : 'a primary'
  throw new WrongServerError(`the server is ${kind}, not ${wanted} (target_session_attrs)`)
}
