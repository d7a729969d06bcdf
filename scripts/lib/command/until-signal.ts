// Waits for the signals that end a script, so that it can stop what it started before it ends.

export interface Signals {
  /** Aborted by the first signal. */
  readonly aborted: AbortSignal
  /** Settles with the first signal's name. */
  readonly first: Promise<NodeJS.Signals>
  /** Settles with the next one that a person sent. */
  readonly second: Promise<NodeJS.Signals>
  /** What a process that the first signal ended reports. */
  readonly exitCode: number
  /** Stops listening. */
  close(): void
}

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * Listens from now on. The first signal asks the script to stop; a second one, half a second later or more, ends the
 * wait.
 */
export function untilSignal(): Signals {
  const controller = new AbortController()
  const first = Promise.withResolvers<NodeJS.Signals>()
  const second = Promise.withResolvers<NodeJS.Signals>()
  let exitCode = 130
  let since = 0
  const heard = (signal: keyof typeof codes) => {
    if (since === 0) {
      since = Date.now()
      exitCode = codes[signal]
      controller.abort()
      first.resolve(signal)
      // Ctrl-C under npm arrives twice: from the terminal, and once more from npm.
    } else if (Date.now() - since > 500) second.resolve(signal)
  }
  const listeners = (Object.keys(codes) as (keyof typeof codes)[]).map(signal => {
    const listener = () => heard(signal)
    process.on(signal, listener)
    return () => process.off(signal, listener)
  })
  return {
    aborted: controller.signal,
    first: first.promise,
    second: second.promise,
    get exitCode() {
      return exitCode
    },
    close: () => {
      for (const off of listeners) off()
    },
  }
}
