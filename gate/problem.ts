// The answer of a closed gate: 503 with a problem document (RFC 9457), the same for every framework.

import type { GateState, GateStatus } from './status.ts'

/** What a closed gate answers, as a problem document (RFC 9457). Nothing in it is secret. */
export interface GateProblem {
  readonly type: 'about:blank'
  readonly title: 'Service Unavailable'
  readonly status: 503
  /** One sentence for people: the status's. */
  readonly detail: string
  /** Why the gate is closed, in one word. */
  readonly state: GateState
  /** The newest migration that the app was built with. */
  readonly head: string | null
}

/** The headers of that answer. A client may come again after a second: about as long as a gate takes to notice a change. */
export const PROBLEM_HEADERS = {
  'content-type': 'application/problem+json; charset=utf-8',
  'retry-after': '1',
  'cache-control': 'no-store',
} as const

/** Paths that are answered also while the gate is closed, unless others are given. */
export const DEFAULT_EXEMPT: readonly string[] = ['/health', '/health/live']

/** The body of a closed gate's answer. The error behind the status is left out: it may name hosts and roles. */
export function problem({ state, detail, head }: GateStatus): GateProblem {
  return { type: 'about:blank', title: 'Service Unavailable', status: 503, detail, state, head }
}

/** The path of a request's URL, without query or fragment, as it was sent. */
export function pathOf(url: string | undefined): string {
  return /^[^?#]*/.exec(url ?? '')?.[0] ?? ''
}
