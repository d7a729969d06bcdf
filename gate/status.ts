// What a gate knows at a moment, as data: for /health, for logs, for the body of a 503.

import { unreachableDetail } from './ledger-query.ts'
import type { Verdict, WindowState } from './protocol/compatibility.ts'
import type { Manifest } from './protocol/manifest.ts'

/** `unreachable`: the database has given no answer, or none for too long. The others are the window's. */
export type GateState = WindowState | 'unreachable'

export interface GateStatus {
  readonly state: GateState
  /** One sentence that may be shown to anyone who may call the app: no host, role or stack trace is in it. */
  readonly detail: string
  /** The newest migration that this app was built with; null if it was built with none. */
  readonly head: string | null
  /** What the database has; null as long as that is not known. */
  readonly database: { readonly head: string | null } | null
  /** `behind`, `unmigrated`: the app's migrations that the database has not applied. */
  readonly missing?: readonly string[]
  /** `diverged`, `too-old`, `migrating`: the migrations that are the reason. */
  readonly migrations?: readonly string[]
  /** `unreachable`: the error behind it, for logs. Not for answers: it may name hosts and roles. */
  readonly cause?: Error
}

/** The status that a verdict makes. `databaseHead` is undefined while it is not known. */
export function statusOf(manifest: Manifest, verdict: Verdict, databaseHead?: string | null): GateStatus {
  return { ...verdict, head: manifest.head, database: databaseHead === undefined ? null : { head: databaseHead } }
}

/** The status of a gate whose database gives no answer. */
export function unreachable(manifest: Manifest, cause: unknown, detail = unreachableDetail(cause)): GateStatus {
  const status: GateStatus = { state: 'unreachable', detail, head: manifest.head, database: null }
  return cause instanceof Error ? { ...status, cause } : status
}

/** A request or a connection was refused because the gate is closed. Frameworks answer its `statusCode`. */
export class GateClosedError extends Error {
  override readonly name = 'GateClosedError'
  readonly statusCode = 503
  readonly status: GateStatus
  constructor(status: GateStatus, message = `The gate is closed (${status.state}): ${status.detail}`) {
    super(message)
    this.status = status
  }
}

/** `whenOpen` waited for as long as it was told to, and the gate is still closed. */
export class GateTimeoutError extends GateClosedError {
  constructor(status: GateStatus, timeout: number) {
    super(status, `The gate did not open in ${timeout} ms (${status.state}): ${status.detail}`)
  }
}
