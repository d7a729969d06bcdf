// What a run expects to find in the ledger: how it notices a server that came back without its last commits.

import type { Migration } from '../files/migration.ts'
import type { LedgerRow } from './read.ts'

/** The database is further back than this run knew it: begin again from what it has. */
export class LostCommitsError extends Error {}

/** What the ledger says of one migration. `gone`: it has no row. `anything`: whatever it says is no surprise. */
export type Expectation = { readonly checksum: string; readonly applied: boolean } | 'reverting' | 'gone' | 'anything'

/** By a migration's name. */
export type Expected = ReadonlyMap<string, Expectation>

/** A commit that was sent: until its answer has come, both what was before and what it writes are expected. */
export interface InFlight {
  committed(): void
  rolledBack(): void
}

/** What a run has read in the ledger or committed to it, to be looked for again after its connection was lost. */
export class Expectations {
  #hasLedger = false
  /** More than one where the answer of a commit has not come. */
  #rows = new Map<string, readonly Expectation[]>()

  /** There is a ledger. */
  made(): void {
    this.#hasLedger = true
  }

  /** The whole ledger, as it was just read. */
  read(rows: readonly LedgerRow[]): void {
    this.#hasLedger = true
    this.#rows = new Map(rows.map(row => [row.name, [expectationOf(row)]]))
  }

  /** One row, as it was just read. */
  readRow(name: string, row: LedgerRow | undefined): void {
    if (row) this.#rows.set(name, [expectationOf(row)])
    else if (this.hasRow(name)) this.#rows.set(name, ['gone'])
    else this.#rows.delete(name)
  }

  /** It has a row, applied or under way. */
  hasRow(name: string): boolean {
    return this.#rows.get(name)?.some(expectation => expectation !== 'gone' && expectation !== 'anything') === true
  }

  /** All that have a row. */
  get names(): readonly string[] {
    return [...this.#rows.keys()].filter(name => this.hasRow(name))
  }

  /** A file is applied; a repeatable one with its present content. */
  isApplied({ name, kind, checksum }: Pick<Migration, 'name' | 'kind' | 'checksum'>): boolean {
    return (this.#rows.get(name) ?? []).some(
      expectation =>
        typeof expectation === 'object' &&
        expectation.applied &&
        (kind !== 'repeatable' || expectation.checksum === checksum),
    )
  }

  /** A commit is about to be sent. */
  send(changes: readonly Expected[]): InFlight {
    const expected = new Map(changes.flatMap(change => [...change]))
    const before = new Map([...expected.keys()].map(name => [name, this.#rows.get(name) ?? ['anything' as const]]))
    for (const [name, expectation] of expected) this.#rows.set(name, [...before.get(name)!, expectation])
    return {
      committed: () => {
        for (const [name, expectation] of expected) this.#rows.set(name, [expectation])
      },
      rolledBack: () => {
        for (const [name, expectations] of before) this.#rows.set(name, expectations)
      },
    }
  }

  /**
   * Holds the ledger against what is expected of it, after the connection was lost.
   * @param rows undefined if there is no ledger.
   * @throws LostCommitsError, naming what is lost. Nothing is expected after that.
   */
  require(rows: readonly LedgerRow[] | undefined): void {
    if (!this.#hasLedger) return
    const now = new Map(rows?.map(row => [row.name, row]))
    const lost: string[] = rows ? [] : ['the ledger itself']
    for (const [name, expectations] of this.#rows) {
      const left = expectations.filter(expectation => agrees(now.get(name), expectation))
      this.#rows.set(name, left)
      if (rows && left.length === 0) lost.push(name)
    }
    if (lost.length === 0) return
    this.#hasLedger = false
    this.#rows.clear()
    throw new LostCommitsError(lost.join(', '))
  }
}

function expectationOf({ checksum, state, journal }: LedgerRow): Expectation {
  return journal?.reverting ? 'reverting' : { checksum, applied: state === 'applied' }
}

function agrees(row: LedgerRow | undefined, expectation: Expectation): boolean {
  if (expectation === 'anything') return true
  if (expectation === 'gone') return row === undefined
  // also where this run's last commit came about although its answer did not
  if (expectation === 'reverting') return row === undefined || row.journal?.reverting === true
  // also where another migrator has begun to revert it, and was stopped
  if (row === undefined || row.journal?.reverting) return false
  // a repeatable migration's newer content
  if (row.journal?.earlier?.includes(expectation.checksum)) return true
  return row.checksum === expectation.checksum && (row.state === 'applied' || !expectation.applied)
}
