import { type Authentication } from './authentication.ts'
import { type SessionAttributes } from './hosts.ts'
import { sslModes } from './parameters.ts'
export type SslMode = (typeof sslModes)[number]
export interface Endpoint {
  readonly host: string
  readonly port: number
  /** The name that `host` is one address of; a certificate is made out to it. */
  readonly name?: string
}
/** A database and how to reach it. `password` and `sslPassword` are not enumerable, so that no inspection shows them. */
export interface Target {
  /** Tried in this order, as libpq does. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  /** Tried in an order of chance instead. */
  readonly shuffled?: boolean
  readonly user: string
  readonly database: string
  readonly password?: string | undefined
  readonly passFile?: string | undefined
  readonly authentication?: Authentication
  readonly sslMode: SslMode
  readonly sslDirect?: boolean
  readonly sslRootCert?: string | undefined
  /** Undefined: libpq's default file, where it is there. False: no certificate is sent. */
  readonly sslCert?: string | false | undefined
  readonly sslKey?: string | undefined
  readonly sslPassword?: string | undefined
  readonly sslCrl?: string | undefined
  readonly sslCrlDir?: string | undefined
  readonly sslMinVersion?: string | undefined
  readonly sslMaxVersion?: string | undefined
  readonly sessionAttributes: SessionAttributes
  /** The most that one try to connect may take, in milliseconds; 0 is no limit of its own. */
  readonly connectTimeout?: number | undefined
  /** The kernel's probes, times in seconds; undefined is the kernel's own default. */
  readonly keepAlive?: {
    on: boolean
    idle?: number | undefined
    interval?: number | undefined
    count?: number | undefined
  }
  /** libpq's `options`: `-c name=value` for the session. */
  readonly options?: string | undefined
  /** What was passed over, a sentence each, for the log. */
  readonly notes?: readonly string[]
}
export type Env = Readonly<Record<string, string | undefined>>
/** True if the environment names a database in libpq's way. */
export declare function hasLibpqVariables(env: Env): boolean
/**
 * Reads a connection string, with libpq's variables for what it leaves out; without one, the variables alone.
 * Problems are added to `problems`, and never hold a secret of the string's.
 * @param reader a migrator makes its session's limits itself; an app has them from the string.
 */
export declare function readTarget(
  url: string | undefined,
  env: Env,
  password: string | undefined,
  problems: string[],
  reader?: 'migrator' | 'app',
): Target | undefined
