// A command's result, on stdout.

import { exitCodes } from '../errors.ts'
import { escapeControls, escapeInJson } from '../text/escape-controls.ts'
import { writeAtOnce } from './write-at-once.ts'

/** Writes results to stdout, each with a line end. */
export interface Printer {
  /** A text. What a terminal obeys is escaped: names of files and of tables can have any character. */
  (text: string): void
  json(value: unknown, indent?: number): void
  /** A text that is to be saved, as SQL is, or that has colours of its own. */
  asItIs(text: string): void
}

/** A printer for any destination. `write` is given each text whole, without the newline at its end. */
export function printerTo(write: (text: string) => void): Printer {
  return Object.assign((text: string) => write(escapeControls(text)), {
    json: (value: unknown, indent?: number) => write(escapeInJson(JSON.stringify(value, null, indent))),
    asItIs: write,
  })
}

export const print = printerTo(toStdout)

let isWatched = false

/** A reader that has gone, as `head` does, wants no more of it: that is no failure. */
function toStdout(text: string): void {
  // only now: a run with nothing to print is spared making the stream
  if (!isWatched) process.stdout.on('error', onError)
  isWatched = true
  process.stdout.write(`${text}\n`)
}

/** Told at the end, where the command's own exit code does not come after it. */
function onError({ code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') return
  process.once('exit', () => {
    writeAtOnce(
      2,
      `schemagate: the result could not be written: ${message}. Make room, or have it written elsewhere.\n`,
    )
    process.exitCode ||= exitCodes.usage
  })
}
