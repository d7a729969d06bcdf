// Requests inside an open gate: each counts until its answer has been handed to the network, or a limit has passed.

import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { Gate } from './gate.ts'

// After its client has disconnected, a handler counts until it answers, for this long at most: it may never answer.
const ABANDONED_FOR = 10_000

// Limits once the gate has closed. An answer that has been written waits in memory for its client, and needs the database
// no more. One that is still being written may read the database as it goes: its connection is cut.
const UNREAD_FOR = 1_000
const UNFINISHED_FOR = 10_000

/** One request's stay. */
interface Stay {
  readonly response: ServerResponse
  /** Since when it has been in its present state behind a closed gate. */
  since: number
  ended: boolean
  readonly leave: () => void
}

const occupants = new WeakMap<Gate, Set<Stay>>()

/**
 * Counts a response that `gate.enter()` has let in until it is closed: for a client that reads, when its last byte was
 * handed to the kernel. A client that does not read cannot hold up a closing gate: an answer that has been written counts
 * for one more second, and one that is being written for ten, after which its connection is cut. A handler that has not
 * begun to answer counts for as long as it works, unless the ledger is taken away under it: then its connection is cut.
 * Returns a function that ends the count earlier.
 * @param isAnswered whether the handler has done its work; called after the client has disconnected.
 */
export function stayInside(
  gate: Gate,
  response: ServerResponse,
  isAnswered = () => response.writableEnded,
): () => void {
  const all = staysOf(gate)
  const leave = () => {
    if (!all.delete(stay)) return
    response.off('close', onClose)
    gate.leave()
  }
  const onClose = () => {
    if (isAnswered() || response.headersSent) leave()
    else leaveOnceAnswered(isAnswered, leave)
  }
  const stay: Stay = { response, since: 0, ended: false, leave }
  all.add(stay)
  if (response.closed) onClose()
  else response.once('close', onClose)
  return leave
}

function staysOf(gate: Gate): Set<Stay> {
  const known = occupants.get(gate)
  if (known) return known
  const all = new Set<Stay>()
  occupants.set(gate, all)
  let timer: NodeJS.Timeout | undefined
  gate.on('change', () => {
    if (gate.isOpen) {
      clearInterval(timer)
      timer = undefined
      for (const stay of all) stay.since = 0
    } else timer ??= setInterval(() => endUnread(all), 100).unref()
  })
  gate.on('cut', () => {
    for (const { response } of all) if (!response.writableEnded) response.destroy()
  })
  return all
}

/** Ends requests that still count only because their clients do not read the answers. */
function endUnread(all: ReadonlySet<Stay>): void {
  const now = performance.now()
  for (const stay of all) {
    const { response } = stay
    if (!response.headersSent || response.closed) continue
    const ended = response.writableEnded
    if (stay.since === 0 || stay.ended !== ended) Object.assign(stay, { since: now, ended })
    const age = now - stay.since
    if (ended && age > UNREAD_FOR) stay.leave()
    else if (!ended && age > UNFINISHED_FOR) response.destroy()
  }
}

/** Polls: no event reports an answer to a client that has disconnected. */
function leaveOnceAnswered(isAnswered: () => boolean, leave: () => void): void {
  const since = performance.now()
  const timer = setInterval(() => {
    if (!isAnswered() && performance.now() - since < ABANDONED_FOR) return
    clearInterval(timer)
    leave()
  }, 20).unref()
}
