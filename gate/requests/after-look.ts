// Holds requests back after a standstill of the process, until the database has answered again.

import type { Duplex } from 'node:stream'

/** What is used of a gate. */
interface Entrance {
  readonly lookDue: Promise<void> | undefined
  enter(): boolean
}

/** For what could not enter: tries again once the database was asked, where that is due, and else gives up. */
export function afterLook(gate: Entrance, tryAgain: () => void, giveUp: () => void): void {
  const look = gate.lookDue
  if (look === undefined) giveUp()
  // the work of those that enter first may block the process again
  else void look.then(tryAgain)
}

/** The same for a connection or a stream, whose client may go while it waits, and while it is refused. */
export function afterLookOn(gate: Entrance, connection: Duplex, tryAgain: () => void, giveUp: () => void): void {
  const ignore = () => {}
  connection.on('error', ignore)
  const waited = () => {
    connection.off('error', ignore)
    tryAgain()
  }
  afterLook(gate, waited, giveUp)
}

/** Enters the gate, once the database was asked where that is due. True if it did: `gate.leave` must follow. */
export async function enterAfterLook(gate: Entrance): Promise<boolean> {
  while (!gate.enter()) {
    const look = gate.lookDue
    if (look === undefined) return false
    await look
  }
  return true
}
