// What a deploy says: on a terminal a line that changes until its step is done, elsewhere plain lines.

export interface Progress {
  /** Runs one step. What it returns as text is told beside its name. @throws what the step throws. */
  step(name: string, work: () => Promise<string | undefined>): Promise<void>
  /** A line of its own, above the step under way. */
  say(text: string): void
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** Writes to `out`; in CI as to a file. */
export function openProgress(out: NodeJS.WriteStream = process.stdout): Progress {
  const isTerminal = out.isTTY === true && !process.env.CI
  let redraw: (() => void) | undefined
  const erase = () => out.write('\r\u001B[K')
  return {
    say(text) {
      if (redraw) erase()
      out.write(`${text}\n`)
      redraw?.()
    },
    async step(name, work) {
      const started = performance.now()
      const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
      let frame = 0
      let timer: NodeJS.Timeout | undefined
      if (isTerminal) {
        redraw = () => out.write(`\r\u001B[K${frames[frame++ % frames.length]} ${name} ${seconds()}`)
        timer = setInterval(redraw, 100)
      } else out.write(`- ${name} ...\n`)
      const end = (mark: string, note: string | undefined) => {
        clearInterval(timer)
        if (redraw) erase()
        redraw = undefined
        out.write(`${mark} ${name} (${seconds()})${note ? `: ${note}` : ''}\n`)
      }
      try {
        end('✓', await work())
      } catch (error) {
        end('✗', undefined)
        throw error
      }
    },
  }
}
