// Waits for a code migration, which may never settle, no longer than the run itself goes on.

/** Milliseconds for a module's own clean-up. */
const graceAfterAbort = 1_000

/** A module that does not heed its signal is left behind: its statements are cancelled, and its connection is cut. */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  let grace: NodeJS.Timeout | undefined
  const onAbort = () => {
    grace = setTimeout(() => stopped.reject(signal.reason), graceAfterAbort)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, stopped.promise])
  } finally {
    clearTimeout(grace)
    signal.removeEventListener('abort', onAbort)
  }
}
