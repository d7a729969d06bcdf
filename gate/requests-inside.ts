// Who is inside an open gate: a request, until its answer has been handed to the network, or a bound is over.

import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { Gate } from './gate.ts'

// A client that has gone leaves a handler at work, which counts until it answers, but not for ever: it may never.
const ABANDONED_FOR = 10_000

// Once the gate has closed. An answer whose last byte has been written waits in memory for a client to read it, and needs
// the database no more. One that is still being written may read the database as it goes: its connection is cut.
const UNREAD_FOR = 1_000
const UNENDED_FOR = 10_000

/** One request's stay. */
interface Stay {
  readonly response: ServerResponse
  /** Since when it has been seen in its present form behind a closed gate. */
  since: number
  ended: boolean
  readonly leave: () => void
}

const occupants = new WeakMap<Gate, Set<Stay>>()

/**
 * Counts a response that `gate.enter()` has let in: until it is closed, which for an answer that its client reads is when
 * its last byte was handed to the kernel. When the gate closes, a client that does not read cannot hold it up: an answer
 * that has been written counts for a second more, and one that is being written for ten, and then its connection is cut.
 * A handler that has not begun to answer counts as long as it works. Returns what ends the stay before that.
 * @param isAnswered whether the handler has done its work, asked when the client has gone.
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
    } else timer ??= setInterval(() => show(all), 100).unref()
  })
  return all
}

/** Closes the connections of requests that still count as inside because their clients do not read the answers. */
function show(all: ReadonlySet<Stay>): void {
  const now = performance.now()
  for (const stay of all) {
    const { response } = stay
    if (!response.headersSent || response.closed) continue
    const ended = response.writableEnded
    if (stay.since === 0 || stay.ended !== ended) Object.assign(stay, { since: now, ended })
    const age = now - stay.since
    if (ended && age > UNREAD_FOR) stay.leave()
    else if (!ended && age > UNENDED_FOR) response.destroy()
  }
}

/** No event tells of an answer to a client that has gone. */
function leaveOnceAnswered(isAnswered: () => boolean, leave: () => void): void {
  const since = performance.now()
  const timer = setInterval(() => {
    if (!isAnswered() && performance.now() - since < ABANDONED_FOR) return
    clearInterval(timer)
    leave()
  }, 20).unref()
}
