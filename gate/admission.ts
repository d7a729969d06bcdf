// Admission: whether requests may enter, and how many are inside. The only part of a gate that a request touches.

import { performance } from 'node:perf_hooks'
import type { GateStatus } from './status.ts'

/** A moment by the steady clock and by the time of day. */
export interface Moment {
  readonly steady: number
  readonly date: number
}

/** Now, by both clocks. */
export function now(): Moment {
  return { steady: performance.now(), date: Date.now() }
}

/**
 * It is open until the time at which the last answer of the database becomes stale. Deciding on a request takes a look at
 * one clock, and a process that was stopped, or whose event loop was blocked, finds the gate closed. So does one whose
 * machine was suspended: on Linux the steady clock stands still then, and the one of the day does not. That one may be set
 * back: then the steady clock decides, and its timer closes the gate in any case.
 */
export class Admission {
  /** By the steady clock. */
  #openUntil = 0
  /** By the clock of the day, when the last question was sent and when its answer becomes stale. */
  #sentDate = 0
  #openUntilDate = 0
  #status: GateStatus
  #staleTimer: NodeJS.Timeout | undefined
  #inside = 0
  #whenEmpty: (() => void)[] = []
  readonly #stale: (status: GateStatus) => GateStatus
  readonly #onChange: (status: GateStatus, previous: GateStatus) => void

  /** `stale` makes the status for when the last answer has become stale. */
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
    const date = Date.now()
    return date < this.#openUntilDate && (date >= this.#sentDate || performance.now() < this.#openUntil)
  }

  get status(): GateStatus {
    if (this.#status.state === 'open' && !this.isOpen) this.close(this.#stale(this.#status))
    return this.#status
  }

  /** Enters if the gate is open. True if it did: `leave` must follow. */
  enter(): boolean {
    if (!this.isOpen) return false
    this.#inside++
    return true
  }

  leave(): void {
    this.#inside--
    if (this.#inside > 0) return
    for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  /** Resolves when nothing is inside. */
  async whenEmpty(): Promise<void> {
    if (this.#inside > 0) await new Promise<void>(resolve => this.#whenEmpty.push(resolve))
  }

  /** Opens, or stays open, for `lasting` milliseconds after a question was sent: at that time of both clocks. */
  open(status: GateStatus, sent: Moment, lasting: number): void {
    const until = sent.steady + lasting
    this.#openUntil = until
    this.#sentDate = sent.date
    this.#openUntilDate = sent.date + lasting
    clearTimeout(this.#staleTimer)
    const remaining = Math.max(1, Math.ceil(until - performance.now()) + 1)
    this.#staleTimer = setTimeout(() => this.close(this.#stale(this.#status)), remaining)
    this.#become(status)
  }

  close(status: GateStatus): void {
    this.#openUntil = 0
    this.#openUntilDate = 0
    clearTimeout(this.#staleTimer)
    this.#become(status)
  }

  #become(status: GateStatus) {
    const previous = this.#status
    this.#status = status
    if (status.state !== previous.state || status.detail !== previous.detail) this.#onChange(status, previous)
  }
}
