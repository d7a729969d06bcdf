export declare const sessionAttributes: readonly [
  'any',
  'read-write',
  'read-only',
  'primary',
  'standby',
  'prefer-standby',
]
/** libpq's `target_session_attrs`: which kind of server is wanted. */
export type SessionAttributes = (typeof sessionAttributes)[number]
/**
 * What is wanted where nothing is said. libpq takes any server; of several hosts most are standbys, where a migrator
 * cannot work and an app cannot write.
 */
export declare function defaultAttributes(hosts: number): SessionAttributes
/** The rounds through all hosts, each with what it wants: a standby may be preferred, and then any server will do. */
export declare function rounds(attributes: SessionAttributes): readonly Exclude<SessionAttributes, 'prefer-standby'>[]
/** What a server says of its kind. */
export interface ServerKind {
  readonly standby: boolean
  readonly read_only: boolean
}
/** The columns of a query that asks for it. */
export declare const serverKindColumns =
  "pg_catalog.pg_is_in_recovery() as standby, pg_catalog.current_setting('transaction_read_only') = 'on' as read_only"
/** The server answers, but is not of the kind that is wanted. */
export declare class WrongServerError extends Error {}
/** @throws WrongServerError if a server of this kind is not `wanted`. */
export declare function requireKind(
  { standby, read_only: readOnly }: ServerKind,
  wanted: Exclude<SessionAttributes, 'prefer-standby'>,
): void
/** A connection string, taken apart. */
export interface Hosts {
  /** One connection string for each host, in their order. */
  readonly urls: readonly [string, ...string[]]
  readonly attributes: SessionAttributes
}
/**
 * Takes a connection string apart; one with a single host is left as it is.
 * @throws TypeError if its ports do not go with its hosts, or for an unknown target_session_attrs.
 */
export declare function hostsOf(url: string): Hosts
/** The same connection string in a form that `URL` can read, whose authority has room for one host: all are in `host`. */
export declare function hostsInQuery(url: string): string
