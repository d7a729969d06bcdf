// What a bench finds: figures, each beside the floor that it is compared with or by itself, and with its limit.

/** Milliseconds, and so on; `%` is of one core. */
export type Unit = 'ms' | 'µs' | 'ns' | 'MB' | '%'

interface Measured {
  /** The part of the table that it stands in, such as `no-op`. */
  readonly group: string
  /** What was measured, such as `100 applied, CPU`. */
  readonly what: string
  readonly ours: number
  readonly unit: Unit
}

/** Ours beside theirs, both taken by turns in the same run; the limit is of ours divided by theirs. */
export interface Comparison extends Measured {
  readonly than: string
  readonly theirs: number
  readonly limit: number
}

/** A figure by itself; the limit is in its own unit. Without one it is there to be known. */
export interface Absolute extends Measured {
  readonly limit?: number
}

export type Figure = Comparison | Absolute

/** Whether it stands beside somebody else's figure. */
export function isComparison(figure: Figure): figure is Comparison {
  return 'theirs' in figure
}

/** What the limit is held to: the ratio of a comparison, otherwise the figure itself. */
export function held(figure: Figure): number {
  return isComparison(figure) ? figure.ours / figure.theirs : figure.ours
}

/** Whether it is over its limit; without one it never is. */
export function isOver(figure: Figure): boolean {
  // a value that is no number is never within a limit
  return figure.limit !== undefined && !(held(figure) <= figure.limit)
}

/** An amount with its unit, in three digits at least. */
export function amount(value: number, unit: Unit): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.01))))
  return `${value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${unit}`
}
