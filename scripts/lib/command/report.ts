// How a script ends: with an exit code, and on failure with the error's message; DEBUG=1 shows where it was thrown, too.

import { UsageError } from './options.ts'

/** Runs a script's body. Its result is the exit code. Never process.exit(): that cuts output that is still in a pipe. */
export async function report(body: () => Promise<number>): Promise<void> {
  // A reader that has gone, such as a closed terminal, must not keep us from cleaning up.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    process.exitCode = await body()
  } catch (error) {
    console.error(error instanceof Error ? (process.env.DEBUG ? error.stack : error.message) : error)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}
