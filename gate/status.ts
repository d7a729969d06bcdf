// A gate's status as data: for /health, for logs, for the body of a 503.

import type { CompatibilityState, Verdict } from './protocol/compatibility.ts'
import type { Manifest } from './protocol/manifest.ts'
import { unreachableDetail } from './reading/ledger-query.ts'

/**
 * What a gate has found. `unreachable`: the database has not answered, or not for too long. The others come from comparing
 * the manifest with the ledger, or with the history of the tool that is followed.
 */
export type GateState = CompatibilityState | 'unreachable'

/** What a gate knows of its database. */
export interface GateStatus {
  readonly state: GateState
  /** One sentence that may be shown to anyone who may call the app: no host, role or stack trace is in it. */
  readonly detail: string
  /** The newest migration that this app was built with; null if it was built with none. */
  readonly head: string | null
  /** The newest migration that the database has, null where it has none; `database` is null while that is unknown. */
  readonly database: { readonly head: string | null } | null
  /** `behind`, `unmigrated`: the app's migrations that the database has not applied. */
  readonly missing?: readonly string[]
  /** `diverged`, `too-old`, `migrating`: the migrations that are the reason. */
  readonly migrations?: readonly string[]
  /** `too-old`: those migrations are still under way, and may yet be taken back. */
  readonly unfinished?: true
  /** `unreachable`: the error behind it, for logs. Not for answers: it may name hosts and roles. */
  readonly cause?: Error
}

/** The status for a verdict. `databaseHead` is undefined while it is unknown. */
export function statusOf(manifest: Manifest, verdict: Verdict, databaseHead?: string | null): GateStatus {
  return { ...verdict, head: manifest.head, database: databaseHead === undefined ? null : { head: databaseHead } }
}

/** The status of a gate whose database does not answer. */
export function unreachable(manifest: Manifest, cause: unknown, detail = unreachableDetail(cause)): GateStatus {
  const status: GateStatus = { state: 'unreachable', detail, head: manifest.head, database: null }
  return cause instanceof Error ? { ...status, cause } : status
}

/** A request, a connection or a piece of work was refused because the gate is closed. */
export class GateClosedError extends Error {
  override readonly name: string = 'GateClosedError'
  /** What Fastify, Express and others answer for an error with such a field. */
  readonly statusCode = 503
  /** The gate's, when it refused. */
  readonly status: GateStatus
  constructor(status: GateStatus, message = `The gate is closed (${status.state}): ${status.detail}`) {
    super(message)
    this.status = status
  }
}

/** `whenOpen` ran into its timeout: the gate is still closed. */
export class GateTimeoutError extends GateClosedError {
  override readonly name = 'GateTimeoutError'
  constructor(status: GateStatus, timeout: number) {
    super(status, `The gate did not open in ${timeout} ms (${status.state}): ${status.detail}`)
  }
}
