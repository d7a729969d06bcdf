// How the process ends: with its work done, or before that, by a signal, by an error that nothing caught, by process.exit().

import { type ExitCode, InterruptedError, ProcessEndedError } from '../errors.ts'
import { messageOfThrown, readableThrown } from '../text/thrown.ts'
import { writeAtOnce } from './write-at-once.ts'

/** Milliseconds after which a process that is still alive is ended: everything should have been released by then. */
const exitGrace = 5_000

/**
 * Ends a process whose work is done. At once where nothing is left that it would wait for: to let it run out takes Node some
 * milliseconds, in which it takes itself down piece by piece. Otherwise what a code migration has left open is waited for.
 */
export function endProcess(): void {
  setImmediate(() => {
    if (process.getActiveResourcesInfo().length === 0 && process.listenerCount('beforeExit') === 0) process.exit()
  })
  setTimeout(() => {
    writeAtOnce(
      2,
      'schemagate: resources still open after shutdown; forcing exit. Has a code migration left a timer or a connection open? If not, please report this.\n',
    )
    process.exit()
  }, exitGrace).unref()
}

/**
 * A first signal, or an error that nothing caught, aborts the work and lets it roll back; a second one ends the process. Such
 * an error after the end changes nothing of the result: it is only said.
 * @param commits whether the work changes the database.
 */
export function interruptible(commits: boolean, say: (text: string) => void): { signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const stop = (reason: InterruptedError | ProcessEndedError) => {
    if (controller.signal.aborted) process.exit(reason.exitCode)
    controller.abort(reason)
  }
  const onSignal = (name: NodeJS.Signals) =>
    stop(new InterruptedError(name === 'SIGINT' ? 'SIGINT' : 'SIGTERM', commits))
  const onUncaught = (thrown: unknown) => stop(uncaught(readableThrown(thrown)))
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('uncaughtException', onUncaught)
  return {
    signal: controller.signal,
    end() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
      process.off('uncaughtException', onUncaught)
      process.on('uncaughtException', thrown =>
        say(
          `schemagate: an error that nothing caught came after the end, and changes nothing of the result. If it comes from a code migration, have its \`up\` await the work that failed.\n${textOf(readableThrown(thrown))}\n`,
        ),
      )
    },
  }
}

/** Such an error can come from timers and promises that a code migration does not await. */
function uncaught(thrown: unknown): ProcessEndedError {
  return new ProcessEndedError(
    `An error that nothing caught ended the run; what was not committed was rolled back. If the error comes from a code migration, have its \`up\` await the work that failed; else please report it.\n${textOf(thrown)}`,
    { cause: thrown },
  )
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOfThrown(thrown)
}

/**
 * Holds the process to its exit code, whatever a code migration does: one that fails must not pass for success.
 * @param early is called with what has happened, where the process ends before its work: by process.exit(), or because
 *   nothing is left to wait for.
 */
export function holdExitCode(early: (thrown: ProcessEndedError) => ExitCode): { settle(exitCode: ExitCode): void } {
  let settled: ExitCode | undefined
  const held = () => {
    settled ??= early(
      new ProcessEndedError(
        'The process ended before its work was done, and what was not committed is rolled back. A code migration must neither call process.exit() nor await a promise that never settles: correct it and run it again.',
      ),
    )
    return settled
  }
  process.on('exit', () => {
    process.exitCode = held()
  })
  // what process.exit() ends with: listeners can be removed, and others can come after this one
  const { reallyExit } = process
  process.reallyExit = exitCode => reallyExit.call(process, held() || exitCode)
  return {
    settle: exitCode => {
      settled = exitCode
    },
  }
}

declare global {
  namespace NodeJS {
    interface Process {
      /** Ends the process at once, without its listeners. Node's own, and not documented. */
      reallyExit(exitCode?: number): never
    }
  }
}
