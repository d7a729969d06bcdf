// The gate's options, checked: an app may be JavaScript, and `Number(process.env.STALE_AFTER)` of an unset variable is NaN.

import type { ClientConfig, Pool } from 'pg'
import type { Connection } from './connection.ts'
import { didYouMean } from './did-you-mean.ts'
import type { Manifest } from './protocol/manifest.ts'

/**
 * What `createGate` takes. Times are in milliseconds, more than 0 and at most 2^31 - 1, some 25 days. An option that is
 * undefined counts as not given.
 */
export interface GateOptions {
  /**
   * The database's URL, the app role's. One of `url`, `connection` and `pool` is needed. It may name several hosts; then
   * the gate is at the first whose server suits `target_session_attrs` (`read-write` where that is not set).
   */
  readonly url?: string | undefined
  /** What `readConnection` has read, or settings as `pg` takes them. */
  readonly connection?: Connection | ClientConfig | undefined
  /** A pool whose connection settings are taken; none of its connections is. */
  readonly pool?: Pick<Pool, 'options'> | undefined
  /** What this app was built with: `readManifest(file)`. */
  readonly manifest: Manifest
  /** Where the ledger lives. Default `schemagate`. */
  readonly schema?: string | undefined
  /**
   * How often the ledger is queried for an open gate, besides notifications, in milliseconds. Default 750. Gates that get
   * notifications leave it to one of them, and query it themselves at four tenths of `staleAfter`.
   */
  readonly pollInterval?: number | undefined
  /** How often a closed gate queries it, in milliseconds. Default 250. */
  readonly closedPollInterval?: number | undefined
  /** How long the last answer counts when no new one comes, in milliseconds. Default 5000. */
  readonly staleAfter?: number | undefined
  /** The most that one attempt to connect may take, all hosts together, in milliseconds. Default 2000. */
  readonly connectTimeout?: number | undefined
  /** Announce the app's head in `application_name`, for migrators about to break it. Default true. */
  readonly announce?: boolean | undefined
  /** Keep the ledger locked (ACCESS SHARE) while open, on a second connection, so that it cannot be dropped or
   *  restored over before the gate has closed. Default true. */
  readonly fence?: boolean | undefined
  /**
   * Work besides requests that must end before a breaking migration may run: job queues, streams. Requests are counted.
   * Called once the gate has closed for it and the last request has left; the migrator waits until it resolves, for its
   * `--drain-timeout` at most. If it rejects it is called again.
   */
  readonly drain?: (() => Promise<void> | void) | undefined
}

/** The longest that setTimeout takes: some 25 days. Anything more would be a millisecond. */
export const LONGEST_TIMEOUT = 2 ** 31 - 1

const known: Record<keyof GateOptions, 'duration' | 'other'> = {
  ...{ url: 'other', connection: 'other', pool: 'other', manifest: 'other', schema: 'other' },
  ...{ pollInterval: 'duration', closedPollInterval: 'duration', staleAfter: 'duration', connectTimeout: 'duration' },
  ...{ announce: 'other', fence: 'other', drain: 'other' },
}

/**
 * With a `staleAfter` that is no number a gate would never open, for a reason that it cannot tell, and a misspelt `drain`
 * would not be waited for.
 * @throws TypeError with every problem.
 */
export function requireOptions(options: GateOptions): void {
  const names = Object.keys(known)
  const problems = Object.entries(options ?? {}).flatMap(([name, value]) => {
    if (!names.includes(name)) return [`there is no option ${name}.${didYouMean(name, names)}`]
    if (known[name as keyof GateOptions] !== 'duration' || value === undefined || isDuration(value)) return []
    return [`${name} is ${String(value)}, but must be a number of milliseconds, more than 0.`]
  })
  if (typeof options?.manifest !== 'object' || options.manifest === null)
    problems.push('manifest is missing: readManifest(FILE) reads it.')
  if (typeof options?.connection === 'string') problems.push('connection is a string: give it as url.')
  if (problems.length > 0) throw new TypeError(`createGate: ${problems.join(' ')}`)
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= LONGEST_TIMEOUT
}
