// What is measured by turns, so that whatever else the machine does falls on all alike.

/** One measurement's values by name, such as milliseconds of `wall` and `cpu`. */
export type Sample<Name extends string = string> = Readonly<Record<Name, number>>

/** Something that is measured, again and again. */
export class Contender<Name extends string = 'wall' | 'cpu'> {
  readonly measure: () => Promise<Sample<Name>>
  readonly #samples: Sample<Name>[] = []

  constructor(measure: () => Promise<Sample<Name>>) {
    this.measure = measure
  }

  add(sample: Sample<Name>): void {
    this.#samples.push(sample)
  }

  /** The middle of what was measured under this name: the mean of its middle half. */
  middle(name: Name): number {
    return middle(this.#samples.map(sample => sample[name]))
  }
}

/**
 * Measures each in every round, in alternating order.
 * @param warmUps rounds before those, whose values are dropped.
 */
export async function alternate<Name extends string>(
  rounds: number,
  contenders: readonly Contender<Name>[],
  { warmUps = 1 }: { readonly warmUps?: number } = {},
): Promise<void> {
  for (let round = -warmUps; round < rounds; round++)
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const sample = await contender.measure()
      if (round >= 0) contender.add(sample)
    }
}

/** The mean of the middle half: as steady as the median, and finer where a clock counts in whole milliseconds. */
export function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const cut = Math.floor(sorted.length / 4)
  const kept = sorted.slice(cut, sorted.length - cut)
  return kept.reduce((sum, value) => sum + value, 0) / kept.length
}

/** How many rounds a bench makes: BENCH_ROUNDS multiplies them. */
export function rounds(usual: number): number {
  return Math.ceil(usual * Number(process.env.BENCH_ROUNDS ?? 1))
}
