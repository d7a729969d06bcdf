// The line at the foot of a terminal that shows how far a migration is.

import type { WriteStream } from 'node:tty'
import { describeProgress, type Progress, type ProgressDisplay } from '../progress/progress.ts'
import { cutToColumns } from '../text/columns.ts'

/** Milliseconds between two drawings, for the time that passes. */
const drawInterval = 200
/** To the line's beginning, and clear it. */
const clearLine = '\r\u001B[K'

/** Whether a line can move there: a terminal that takes the two control sequences. */
export function canMove(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): stream is WriteStream {
  return stream.isTTY === true && env.TERM !== 'dumb' && !env.CI
}

/** It is erased before anything else is written, and drawn again below that. */
export class ProgressLine implements ProgressDisplay {
  readonly #stream: Pick<WriteStream, 'columns'>
  readonly #write: (text: string) => void
  readonly #redact: (text: string) => string
  #progress: Progress | undefined
  #timer: NodeJS.Timeout | undefined
  #stopListening: (() => void) | undefined
  #isDrawn = false

  /** `write` writes to the terminal before it returns, or things would be drawn over one another. */
  constructor(stream: Pick<WriteStream, 'columns'>, write: (text: string) => void, redact: (text: string) => string) {
    this.#stream = stream
    this.#write = write
    this.#redact = redact
  }

  show(progress: Progress): void {
    this.#progress = progress
    this.#timer ??= setInterval(() => this.#draw(), drawInterval).unref()
    this.#stopListening ??= beforeWrites(() => this.erase())
    this.#draw()
  }

  /** Before something else is written. */
  erase(): void {
    if (this.#isDrawn) this.#write(clearLine)
    this.#isDrawn = false
  }

  clear(): void {
    clearInterval(this.#timer)
    this.#stopListening?.()
    this.#timer = this.#stopListening = this.#progress = undefined
    this.erase()
  }

  /** In one write, so that it does not flicker; a column is left free, since a full line would break. */
  #draw(): void {
    if (!this.#progress) return
    const text = this.#redact(describeProgress(this.#progress, performance.now()))
    // the width is asked each time: the window may have another one by now
    this.#write(`${clearLine}${cutToColumns(text, (this.#stream.columns || 80) - 1)}`)
    this.#isDrawn = true
  }
}

/** Calls `before` ahead of what is written past the log, as by the console.log of a code migration, until it is ended. */
function beforeWrites(before: () => void): () => void {
  const ends = [process.stdout, process.stderr].map(stream => {
    const { write } = stream
    stream.write = (...args: unknown[]) => {
      before()
      return Reflect.apply(write, stream, args)
    }
    return () => {
      stream.write = write
    }
  })
  return () => ends.forEach(end => void end())
}
