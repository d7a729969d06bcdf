import { type ConnectionOptions } from 'node:tls'
import type { Endpoint, Target } from './target.ts'
/** One way of making the connection: TLS options, or false for a plain one. */
export type TlsAttempt = ConnectionOptions | false
/**
 * The ways to try for a target, in order; the next is taken only if the server refuses this one.
 * A Unix socket never has TLS.
 * @throws UsageError if a certificate or key that is named cannot be read.
 */
export declare function tlsAttempts(target: Target, endpoint: Endpoint): [TlsAttempt, ...TlsAttempt[]]
/** True if the server said no to this way of connecting, and another may do. */
export declare function isTlsRefusal(error: unknown, attempt: TlsAttempt): boolean
