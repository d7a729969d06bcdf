// What would put a difference right, where that loses nothing and can be said.

import type { Difference } from './difference.ts'

/** Statements, in order; undefined where a person has to decide. */
export function remedy(_difference: Difference): string[] | undefined {
  return undefined
}
