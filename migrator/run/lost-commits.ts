// A server that crashed, or a standby that was promoted in its place, may lack the last commits: a run must not build on them.

import { NoAnswerError } from '../errors.ts'
import type { LedgerRow } from '../ledger/read.ts'

/** The database is further back than this run knew it: begin again from what it has. */
export class RewoundError extends Error {}

/** What a run has read in the ledger or committed to it, to be looked for again after its connection was lost. */
export class Known {
  #hasLedger = false
  readonly #rows = new Map<string, KnownRow>()

  /** There is a ledger. */
  ledger(): void {
    this.#hasLedger = true
  }

  /** The ledger as it was just read. */
  read(rows: readonly LedgerRow[]): void {
    this.#rows.clear()
    for (const { name, checksum, state, journal } of rows)
      this.#rows.set(name, journal?.reverting ? reverting : { checksum, applied: state === 'applied' })
  }

  underWay(name: string, checksum: string): void {
    this.#rows.set(name, { checksum, applied: false })
  }

  applied(name: string, checksum: string): void {
    this.#rows.set(name, { checksum, applied: true })
  }

  reverting(name: string): void {
    this.#rows.set(name, reverting)
  }

  removed(name: string): void {
    this.#rows.set(name, gone)
  }

  /** Whatever becomes of this one is no surprise. */
  forget(name: string): void {
    this.#rows.delete(name)
  }

  /** @throws RewoundError, with what is lost, if the ledger as it is now lacks something that was known of it. */
  requireIn(rows: readonly LedgerRow[] | undefined): void {
    if (!this.#hasLedger) return
    if (rows === undefined) throw new RewoundError('the ledger itself')
    const now = new Map(rows.map(row => [row.name, row]))
    const lost = [...this.#rows].filter(([name, known]) => !agrees(now.get(name), known)).map(([name]) => name)
    if (lost.length > 0) throw new RewoundError(lost.join(', '))
  }
}

const reverting = Symbol('reverting')
const gone = Symbol('gone')

type KnownRow = { readonly checksum: string; readonly applied: boolean } | typeof reverting | typeof gone

/** Also true if this run's last commit came about although its answer did not. */
function agrees(row: LedgerRow | undefined, known: KnownRow): boolean {
  if (known === gone) return row === undefined
  if (known === reverting) return row === undefined || row.journal?.reverting === true
  // also where another migrator began to revert it meanwhile, and was stopped
  if (row === undefined || row.journal?.reverting) return false
  // a repeatable migration's newer content
  if (row.journal?.earlier?.includes(known.checksum)) return true
  return row.checksum === known.checksum && (row.state === 'applied' || !known.applied)
}

/** A crash each time points to something that another attempt does not mend. */
const mostRewound = 5

/** Does `work` again from its beginning when the database was rewound under it. @throws NoAnswerError if that does not end. */
export async function untilNotRewound<T>(work: () => Promise<T>): Promise<T> {
  for (let rewound = 0; ; rewound++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RewoundError)) throw error
      if (rewound === mostRewound)
        throw new NoAnswerError(
          `Postgres came back without its last commits ${rewound + 1} times in one run; the last time it lacked ${error.message}. ` +
            "Look into the server's log for why it is lost so often, then run it again.",
          { cause: error },
        )
    }
  }
}
