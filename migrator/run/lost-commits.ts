// A server that crashed, or a standby that was promoted in its place, may lack the last commits: a run must not build on them.

import { NoAnswerError } from '../errors.ts'
import { LostCommitsError } from '../ledger/expectations.ts'

/** A crash each time points to something that another attempt does not cure. */
const mostRestarts = 5

/**
 * Does `work` again from its beginning when the database turned out to lack commits of this run.
 * @throws NoAnswerError if that does not end.
 */
export async function restartAfterLostCommits<T>(work: () => Promise<T>): Promise<T> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LostCommitsError)) throw error
      if (restarts === mostRestarts)
        throw new NoAnswerError(
          `Postgres came back without its last commits ${restarts + 1} times in one run; the last time it lacked ${error.message}. ` +
            "Look into the server's log for why it is lost so often, then run it again.",
          { cause: error },
        )
    }
  }
}
