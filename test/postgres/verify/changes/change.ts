// What a single change to a database is in these tables: what was there, what was done by hand, and how it is said.

export interface Change {
  /** What the migrations make. */
  readonly setup: string
  /** What someone did besides. */
  readonly change: string
  /** The sentences, all of them. */
  readonly says: string | readonly string[]
  /** Servers that know it: the first major version. */
  readonly since?: number
}

/** The tables' short form. */
export type Row = readonly [setup: string, change: string, says: string | readonly string[], since?: number]

export const asChange = ([setup, change, says, since]: Row): Change => ({
  setup,
  change,
  says,
  ...(since && { since }),
})
