// Looks at what is still inside a closed gate, again and again.

import type { Gate } from '../gate.ts'

const INTERVAL = 100

interface Inside {
  /** Once it is true it stays true until the gate opens, since nobody enters a closed gate. */
  isEmpty(): boolean
  poll(): void
  /** The gate is open again: what was seen of it while it was closed counts no more. */
  reset(): void
}

/** Calls `poll` ten times a second from the gate's closing until it opens or nobody is inside. */
export function pollWhileClosed(gate: Gate, inside: Inside): void {
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    clearInterval(timer)
    timer = undefined
  }
  const poll = () => {
    inside.poll()
    if (inside.isEmpty()) stop()
  }
  gate.on('change', () => {
    if (gate.isOpen) {
      stop()
      inside.reset()
    } else timer ??= setInterval(poll, INTERVAL).unref()
  })
}
