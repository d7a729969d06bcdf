// Writes a text before it returns, so that nothing is lost when the process ends.

import { writeSync } from 'node:fs'

/** Milliseconds until a full pipe is written to again. */
const fullPipePause = 100

/**
 * Writes to the log, which decides nothing: what it cannot take, as when its disk is full, is left out.
 * @returns false if its reader has gone, and wants no more of it.
 */
export function writeAtOnce(fd: number, text: string): boolean {
  let rest: Buffer = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'EAGAIN' && code !== 'EBUSY') return code !== 'EPIPE'
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipePause)
    }
  }
  return true
}
