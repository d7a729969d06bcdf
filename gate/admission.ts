// The door: open until a moment in time, and who is inside. The only part of a gate that a request touches.

import { performance } from 'node:perf_hooks'
import type { GateStatus } from './status.ts'

/**
 * Open means a time up to which the last answer holds, so that deciding on a request is one comparison, and so that a
 * process that slept, or whose event loop stood still, finds its door closed rather than open on an old answer.
 */
export class Door {
  #openUntil = 0
  #status: GateStatus
  #lapsed: NodeJS.Timeout | undefined
  #inside = 0
  #whenEmpty: (() => void)[] = []
  readonly #stale: (status: GateStatus) => GateStatus
  readonly #onChange: (status: GateStatus, previous: GateStatus) => void

  /** `stale` makes the status for an open door whose time has passed. */
  constructor(
    status: GateStatus,
    stale: (status: GateStatus) => GateStatus,
    onChange: (status: GateStatus, previous: GateStatus) => void,
  ) {
    this.#status = status
    this.#stale = stale
    this.#onChange = onChange
  }

  get isOpen(): boolean {
    return performance.now() < this.#openUntil
  }

  get status(): GateStatus {
    if (this.#status.state === 'open' && !this.isOpen) this.shut(this.#stale(this.#status))
    return this.#status
  }

  /** Goes in, if the door is open: true, and then `leave` must follow. */
  enter(): boolean {
    if (performance.now() >= this.#openUntil) return false
    this.#inside++
    return true
  }

  leave(): void {
    this.#inside--
    if (this.#inside > 0) return
    for (const tell of this.#whenEmpty.splice(0)) tell()
  }

  /** Resolves when nobody is inside. */
  async empty(): Promise<void> {
    if (this.#inside > 0) await new Promise<void>(resolve => this.#whenEmpty.push(resolve))
  }

  /** Opens the door, or keeps it open. `until` is a time of `performance.now()`. */
  open(status: GateStatus, until: number): void {
    this.#openUntil = until
    clearTimeout(this.#lapsed)
    // Only the event needs the timer: the comparison does not.
    this.#lapsed = setTimeout(() => this.status, Math.max(1, Math.ceil(until - performance.now()) + 1))
    this.#become(status)
  }

  shut(status: GateStatus): void {
    this.#openUntil = 0
    clearTimeout(this.#lapsed)
    this.#become(status)
  }

  #become(status: GateStatus) {
    const previous = this.#status
    this.#status = status
    if (status.state !== previous.state || status.detail !== previous.detail) this.#onChange(status, previous)
  }
}
