// The gate's library: what an application imports.

export { type Announcement, announce, DRAINED, headHash, parseAnnouncement } from './announce.ts'
export { type ConnectMiddleware, gateMiddleware } from './connect.ts'
export { followGate } from './follow.ts'
export { createGate, type Gate, type GateEvents, type GateOptions, type WhenOpenOptions } from './gate.ts'
export { guardPool } from './guard.ts'
export { hostsInQuery, hostsOf } from './hosts.ts'
export { type Manifest, type ManifestEntry, ManifestError, parseManifest, readManifest } from './manifest.ts'
export { DEFAULT_EXEMPT, type GateProblem, PROBLEM_HEADERS, problem } from './problem.ts'
export { GateClosedError, type GateState, type GateStatus, GateTimeoutError } from './status.ts'
export { judge, type LedgerRow, type Verdict, type WindowState } from './window.ts'
