// What a rule is: data that documentation is made from, and a small function that finds its violations.

import type { Path } from '../compose/places.ts'
import type { Stack } from '../model/stack.ts'
import type { Patch } from '../patches/patch.ts'

/**
 * `error`: an app can serve on a schema that it does not match. `warning`: a race that is mostly won, a loop, a wait.
 * `note`: hygiene that the gate rests on; shown with `--all`.
 */
export type Severity = 'error' | 'warning' | 'note'

/** One place that breaks a rule. */
export interface Violation {
  /** The service, or undefined where the file as a whole is meant. */
  readonly service: string | undefined
  /** Below the service: where to look. */
  readonly path?: Path
  /** A key at the top of the file, where no service is meant. */
  readonly top?: string
  /** What happens, of this place; one sentence. */
  readonly what: string
  /** What an overlay must say so that it is gone; undefined where no overlay can. */
  readonly patch?: Patch
}

export interface Rule {
  readonly id: string
  readonly severity: Severity
  /** What breaks it. */
  readonly title: string
  /** What comes of it. */
  readonly why: string
  /** The way out. */
  readonly fix: string
  readonly check: (stack: Stack) => Iterable<Violation>
  /** A compose file that breaks it, and one that nearly does. */
  readonly examples: { readonly violates: string; readonly passes: string }
}
