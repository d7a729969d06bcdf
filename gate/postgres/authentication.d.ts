import type { Client, Pool } from 'pg'

declare const methods: readonly ['password', 'md5', 'gss', 'sspi', 'scram-sha-256', 'oauth', 'none']
type Method = (typeof methods)[number]
declare const bindings: readonly ['disable', 'prefer', 'require']
/** What is allowed; without `methods` all are. */
export interface Authentication {
  readonly channelBinding: (typeof bindings)[number]
  readonly methods?: ReadonlySet<Method> | undefined
}
/** The server asks in a way that is not allowed, and was told nothing. */
export declare class AuthenticationError extends Error {}
/** Reads `require_auth`: a list of methods, or of methods with `!` before them, which are those that are not allowed. */
export declare function readMethods(text: string | undefined, problems: string[]): ReadonlySet<Method> | undefined
/**
 * Holds a connection that is about to be made to what is allowed: it ends before a password goes out in another way, with
 * an AuthenticationError. The client must have been made with {@link usesChannelBinding} as its `enableChannelBinding`.
 */
export declare function guardAuthentication(client: Client, { channelBinding, methods: allowed }: Authentication): void
/**
 * What a connection string that pg itself reads allows, with libpq's variables for what it leaves out.
 * @throws TypeError for a value that is not one of libpq's.
 */
export declare function authenticationOf(url?: string, env?: NodeJS.ProcessEnv): Authentication
/** Makes each new connection of a pool keep to its connection string's `channel_binding` and `require_auth`. */
export declare function guardLogins(pool: Pool): void
/** pg's `enableChannelBinding`: only over TLS, where it is offered. */
export declare function usesChannelBinding({ channelBinding }: Authentication, tls: boolean): boolean
