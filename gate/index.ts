// The gate's library: what an application imports.

export { type ConnectMiddleware, gateMiddleware } from './adapters/express.ts'
export { createGate, type Gate, type GateEvents, type GateOptions, type WhenOpenOptions } from './gate.ts'
export { guardPool } from './pool.ts'
export { followGate } from './pool-follows-gate.ts'
export { hostsInQuery, hostsOf } from './postgres/hosts.ts'
export { DEFAULT_EXEMPT, type GateProblem, PROBLEM_HEADERS, problem } from './problem.ts'
export { type Announcement, announce, DRAINED, headHash, parseAnnouncement } from './protocol/announcement.ts'
export { type CompatibilityState, judge, type LedgerRow, type Verdict } from './protocol/compatibility.ts'
export { type Manifest, type ManifestEntry, ManifestError, parseManifest, readManifest } from './protocol/manifest.ts'
export { GateClosedError, type GateState, type GateStatus, GateTimeoutError } from './status.ts'
