// A wake-up signal for a loop. A signal sent while the loop is busy ends its next wait at once.

/** For one waiter at a time. */
export class Wakeup {
  #signalled = false
  #wake: (() => void) | undefined

  signal(): void {
    this.#signalled = true
    this.#wake?.()
  }

  /** Waits until it is signalled, or was since the last wait; `milliseconds` at most. True if it was. */
  async wait(milliseconds: number): Promise<boolean> {
    if (!this.#signalled) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, milliseconds)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wake = undefined
    }
    const signalled = this.#signalled
    this.#signalled = false
    return signalled
  }
}
