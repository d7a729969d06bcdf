// How a script ends: the message of a foreseen failure without a stack trace, a bug with one, and an exit code.

import { AlreadyUp } from '../../stack/running.ts'
import { UsageError } from './options.ts'

/** Runs a script's body. Its result is the exit code. Never process.exit(): that cuts output that is still in a pipe. */
export async function report(body: () => Promise<number>): Promise<void> {
  // A reader that has gone, such as a closed terminal, must not keep us from cleaning up.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    process.exitCode = await body()
  } catch (error) {
    const foreseen = error instanceof UsageError || error instanceof AlreadyUp
    console.error(error instanceof Error ? (process.env.DEBUG ? error.stack : error.message) : error)
    process.exitCode = foreseen && error instanceof UsageError ? 2 : 1
  }
}
