// Runs one migration to its end, one attempt for each part of it that commits, while another connection looks on.

import { type Attempt, attempt } from '../run/attempt.ts'
import type { Run } from '../run/run.ts'

/**
 * @param advance does what commits next: the whole migration, or its next step. Undefined: there is more to do. It is tried
 *   again after clashes and lost connections, so it looks each time at what is done.
 * @param onFailure is called with a failure that is final.
 */
export async function untilDone<T>(
  run: Run,
  name: string,
  lockTimeout: number,
  advance: (attempt: Attempt) => Promise<T | undefined>,
  onFailure: (error: unknown) => Promise<void> | undefined,
): Promise<T> {
  const watch = run.blockers.watch(name, run.session, lockTimeout)
  const progress = run.watchProgress(name)
  try {
    for (;;) {
      const result = await attempt(run, name, advance, () => watch.blockers)
      if (result !== undefined) return result
    }
  } catch (error) {
    await onFailure(error)
    throw error
  } finally {
    watch.stop()
    progress.stop()
  }
}
