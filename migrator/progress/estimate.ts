// How much of a phase is done, and how long the rest takes at the rate since the phase was first seen.

/** What a phase has done, of how much. */
export interface Measure {
  /** What has to stay the same for two measures to be compared. */
  readonly phase: string
  readonly done: number
  readonly total: number
}

/** The estimate of one migration, one phase after another. */
export class Estimate {
  #first: (Measure & { readonly at: number }) | undefined

  /**
   * @param now milliseconds, of any clock that runs evenly.
   * @returns `percent` rounded down to a tenth; `etaMs` once something was done since the first look.
   */
  see(measure: Measure, now: number): { readonly percent: number; readonly etaMs?: number } {
    const { phase, done, total } = measure
    const first = this.#first
    // a phase of the same name begins again: the next index, the next table
    if (!first || first.phase !== phase || first.total !== total || done < first.done)
      this.#first = { ...measure, at: now }
    const percent = Math.min(Math.floor((done / total) * 1_000) / 10, 100)
    if (!first || first !== this.#first || done === first.done) return { percent }
    const rate = (done - first.done) / (now - first.at)
    return { percent, etaMs: Math.round(Math.max(total - done, 0) / rate) }
  }
}
