// "Did you mean": the closest known name to a mistyped one.

/** ` Did you mean NAME?`, to end a message; empty if no known name is close. */
export function didYouMean(name: string, known: Iterable<string>, prefix = ''): string {
  const guess = closest(name, known)
  return guess === undefined ? '' : ` Did you mean ${prefix}${guess}?`
}

/**
 * The one known name that begins with `name`; else the one with the fewest edits from it, if few enough to be a slip: half
 * of the letters at most, or a short word would be like any other.
 */
export function closest(name: string, candidates: Iterable<string>): string | undefined {
  const known = [...candidates]
  const begun = name === '' ? [] : known.filter(candidate => candidate.startsWith(name))
  if (begun.length === 1) return begun[0]
  let best: string | undefined
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const edits = editDistance(name, candidate)
    if (edits < fewest && edits <= Math.max(name.length, candidate.length) / 2) [best, fewest] = [candidate, edits]
  }
  return best
}

/** Letters that are missing, too many, others, or two that have changed places. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + Number(a[i - 1] !== b[j - 1])
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1))
    }
    before = row
    row = next
  }
  return row[b.length]!
}
