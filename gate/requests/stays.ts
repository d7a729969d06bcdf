// What is inside a gate, one by one, for adapters that can end each: it may stay for as long as its client likes.

import type { Gate } from '../gate.ts'
import { pollWhileClosed } from './poll-while-closed.ts'

/** One request's stay, or one call's. */
export interface Staying {
  /** Its end depends on its client. */
  readonly isUnfinished: boolean
  /** Ends it, without an answer if there was none yet. */
  cut(): void
}

/** What is unfinished counts for this long behind a closed gate, and is cut then. */
const UNFINISHED_FOR = 10_000

const known = new WeakMap<Gate, Set<Staying>>()

/** The stays in a gate, to which an adapter adds its own. All are cut when the ledger is taken away. */
export function staysIn(gate: Gate): Set<Staying> {
  const stays = known.get(gate) ?? new Set()
  if (!known.has(gate)) watch(gate, stays)
  known.set(gate, stays)
  return stays
}

function watch(gate: Gate, stays: ReadonlySet<Staying>): void {
  let since = new WeakMap<Staying, number>()
  gate.on('cut', () => {
    for (const stay of stays) stay.cut()
  })
  pollWhileClosed(gate, {
    isEmpty: () => stays.size === 0,
    poll() {
      const now = performance.now()
      for (const stay of stays) {
        if (!stay.isUnfinished) continue
        const first = since.get(stay) ?? now
        since.set(stay, first)
        if (now - first >= UNFINISHED_FOR) stay.cut()
      }
    },
    reset() {
      since = new WeakMap()
    },
  })
}
