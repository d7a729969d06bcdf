// The gate's library: what an application imports.

export { type ConnectMiddleware, type GateMiddlewareOptions, gateMiddleware } from './adapters/express.ts'
export { gateListener, guardServer } from './adapters/http.ts'
export { gateUpgrade, type UpgradeListener } from './adapters/upgrade.ts'
export { type Connection, poolConfig, type ReadConnectionOptions, readConnection } from './connection.ts'
export { createGate, type Gate, type GateEvents, type WhenOpenOptions } from './gate.ts'
export type { GateOptions } from './options.ts'
export { guardDriver, guardPool } from './pools/pg.ts'
export { followGate } from './pools/pool-follows-gate.ts'
export { ConnectionError } from './postgres/connection-error.ts'
export { readSecret } from './postgres/secret.ts'
export { DEFAULT_EXEMPT, type GateProblem, PROBLEM_HEADERS, problem } from './problem.ts'
export { type Announcement, announce, DRAINED, headHash, parseAnnouncement } from './protocol/announcement.ts'
export { type CompatibilityState, judge, type Verdict } from './protocol/compatibility.ts'
export type { LedgerRow } from './protocol/ledger.ts'
export {
  type FollowedManifest,
  type FollowedMigration,
  type LedgerManifest,
  type Manifest,
  type ManifestEntry,
  ManifestError,
  parseManifest,
  readManifest,
} from './protocol/manifest.ts'
export type { Queryable } from './reading/queryable.ts'
export { GateClosedError, type GateState, type GateStatus, GateTimeoutError } from './status.ts'
