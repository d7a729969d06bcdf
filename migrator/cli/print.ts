// A command's result, on stdout.

import { exitCodes } from '../errors.ts'

let isWatched = false

/** Prints a line. A reader that has gone, as `head` does, wants no more of it: that is no failure. */
export function print(text: string): void {
  // only now: a run with nothing to print is spared making the stream
  if (!isWatched) process.stdout.on('error', onError)
  isWatched = true
  process.stdout.write(`${text}\n`)
}

function onError({ code }: NodeJS.ErrnoException): void {
  if (code !== 'EPIPE') process.exitCode = exitCodes.bug
}
