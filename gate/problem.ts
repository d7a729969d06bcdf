// The answer of a closed gate: 503 with a problem document (RFC 9457), the same for every framework.

import type { GateState, GateStatus } from './status.ts'

export interface GateProblem {
  readonly type: 'about:blank'
  readonly title: 'Service Unavailable'
  readonly status: 503
  readonly detail: string
  readonly state: GateState
  readonly head: string | null
}

export const PROBLEM_HEADERS = {
  'content-type': 'application/problem+json; charset=utf-8',
  'retry-after': '1',
  'cache-control': 'no-store',
} as const

/** Paths that are answered also while the gate is closed, unless others are given. */
export const DEFAULT_EXEMPT: readonly string[] = ['/health', '/health/live']

/** The body. The error behind a status is left out: it may name hosts and roles. */
export function problem({ state, detail, head }: GateStatus): GateProblem {
  return { type: 'about:blank', title: 'Service Unavailable', status: 503, detail, state, head }
}

/** The path of a request's URL, without query or fragment, as it was sent. */
export function pathOf(url: string | undefined): string {
  return /^[^?#]*/.exec(url ?? '')?.[0] ?? ''
}
