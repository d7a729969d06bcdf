// Admission: whether requests may enter, and how many are inside. The only part of a gate that a request touches.

import { performance } from 'node:perf_hooks'
import type { GateStatus } from '../status.ts'

/** A moment by the steady clock and by the time of day. */
export interface Moment {
  readonly steady: number
  readonly date: number
}

const never: Moment = { steady: 0, date: 0 }

function isBefore(moment: Moment, other: Moment): boolean {
  return moment.steady < other.steady && moment.date < other.date
}

/** Now, by both clocks. */
export function now(): Moment {
  return { steady: performance.now(), date: Date.now() }
}

// A process that was stopped, or whose event loop is blocked, does not notice a change. After a standstill longer than this,
// in milliseconds, a request that waits for it may have come long after one.
const STANDSTILL = 1_000
const BEAT = 250

/** A question to the database whose answer is waited for before anything enters. */
interface LookDue {
  /** By the steady clock: the answer to a question that was sent before counts for nothing. */
  since: number
  readonly answered: Promise<void>
  readonly resolve: () => void
}

/**
 * It is open until the time at which the last answer of the database becomes stale, and lets nothing in after a standstill of
 * the process until the database has answered again. On Linux the steady clock stands still while a machine is suspended, and
 * the one of the day does not; that one may be set back. So both are read, but for most requests: a beat says until when the
 * day's clock alone will do.
 */
export class Admission {
  #openUntil: Moment = never
  /** When the process was last seen to go on. */
  #beatAt: Moment = never
  #beats: NodeJS.Timeout | undefined
  #due: LookDue | undefined
  /** Between these two, by the clock of the day, requests enter without more. */
  #freeFrom = 0
  #freeUntil = 0
  #status: GateStatus
  #isEnded = false
  #staleTimer: NodeJS.Timeout | undefined
  #inside = 0
  #whenEmpty: (() => void)[] = []
  readonly #stale: (status: GateStatus) => GateStatus
  readonly #onChange: (status: GateStatus, previous: GateStatus) => void
  readonly #look: () => void
  readonly #onStale: () => void

  /**
   * @param stale makes the status for when the last answer has become stale.
   * @param look asks the database again.
   * @param onStale the last answer has become stale, perhaps while the process stood still.
   */
  constructor(
    status: GateStatus,
    stale: (status: GateStatus) => GateStatus,
    onChange: (status: GateStatus, previous: GateStatus) => void,
    look: () => void,
    onStale: () => void,
  ) {
    this.#status = status
    this.#stale = stale
    this.#onChange = onChange
    this.#look = look
    this.#onStale = onStale
  }

  get isOpen(): boolean {
    return isBefore(now(), this.#openUntil)
  }

  get status(): GateStatus {
    if (this.#status.state === 'open' && !this.isOpen) {
      this.#needLook(0)
      this.#shut(this.#stale(this.#status))
      this.#onStale()
    }
    return this.#status
  }

  /** After a standstill, or once the last answer is stale: resolves when the database was asked again, or gives no answer. */
  get lookDue(): Promise<void> | undefined {
    // which notices that it is stale
    void this.status
    return this.#due?.answered
  }

  /** Enters if the gate is open, and no look is due. True if it did: `leave` must follow. */
  enter(): boolean {
    const date = Date.now()
    if ((date < this.#freeFrom || date >= this.#freeUntil) && !this.#mayEnter()) return false
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
    if (this.#isEnded) return
    this.#beat()
    if (this.#due !== undefined && sent.steady >= this.#due.since) this.#looked()
    const until = sent.steady + lasting
    this.#openUntil = { steady: until, date: sent.date + lasting }
    // stale before it came, which was noticed
    if (this.#status.state === 'unreachable' && !this.isOpen) return
    clearTimeout(this.#staleTimer)
    // The timer is for the `change` event: `isOpen` does without.
    this.#staleTimer = setTimeout(() => this.status, Math.max(1, Math.ceil(until - performance.now()) + 1))
    if (this.#beats === undefined) this.#beatAt = now()
    this.#beats ??= setInterval(() => this.#beat(), BEAT).unref()
    this.#free()
    this.#become(status)
  }

  close(status: GateStatus): void {
    this.#looked()
    this.#shut(status)
  }

  /** Closes for good: the status stays. */
  end(status: GateStatus): void {
    this.close(status)
    this.#isEnded = true
  }

  /** Closes since the connection was lost. That answers nothing: a look that is due waits for the next connection. */
  lose(status: GateStatus): void {
    this.#beat()
    this.#shut(status)
  }

  #shut(status: GateStatus): void {
    this.#openUntil = never
    clearTimeout(this.#staleTimer)
    clearInterval(this.#beats)
    this.#beats = undefined
    this.#free()
    this.#become(status)
  }

  #mayEnter(): boolean {
    this.#beat()
    return this.isOpen && this.#due === undefined
  }

  /** Notices that the process goes on, and whether it stood still before. */
  #beat(): void {
    if (this.#beats === undefined) return
    const before = { steady: this.#beatAt.steady + STANDSTILL, date: this.#beatAt.date + STANDSTILL }
    this.#beatAt = now()
    if (!isBefore(this.#beatAt, before)) {
      this.#needLook(this.#beatAt.steady)
      // which notices that it is stale
      void this.status
    }
    this.#free()
  }

  /** Sets until when requests enter by the clock of the day alone. The time ends when the next beat is overdue. */
  #free(): void {
    const isFree = this.#beats !== undefined && this.#due === undefined
    const { steady, date } = this.#beatAt
    // the day's clock may have been set back since the question was sent
    const lasting = Math.min(STANDSTILL, this.#openUntil.steady - steady, this.#openUntil.date - date)
    this.#freeFrom = date
    this.#freeUntil = isFree ? date + lasting : 0
  }

  /** @param since when a question must have been sent for its answer to count. */
  #needLook(since: number): void {
    if (this.#due !== undefined) {
      this.#due.since = Math.max(this.#due.since, since)
      return
    }
    let resolve!: () => void
    const answered = new Promise<void>(done => {
      resolve = done
    })
    this.#due = { since, answered, resolve }
    this.#look()
  }

  #looked(): void {
    this.#due?.resolve()
    this.#due = undefined
  }

  #become(status: GateStatus) {
    if (this.#isEnded) return
    const previous = this.#status
    this.#status = status
    if (status.state !== previous.state || status.detail !== previous.detail) this.#onChange(status, previous)
  }
}
