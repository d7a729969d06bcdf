// Where a migration that runs in steps stands: what is done, checked against the file, and what comes next.

import { createHash, type Hash } from 'node:crypto'
import { sqlstate } from '../../gate/postgres/sqlstate.ts'
import { DivergedError, UsageError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { doneEntry, progressOf } from '../ledger/journal.ts'
import type { Journal } from '../ledger/read.ts'
import { textOf } from '../sql/outline.ts'
import { loadParser } from '../sql/parse.ts'
import { type FirstStep, firstSteps } from '../sql/release-0.1.ts'
import { type Piece, split } from '../sql/split.ts'
import type { Step } from '../sql/step.ts'
import { type Divisions, divide } from '../sql/steps.ts'

/** Where a migration stands in its steps. */
export interface Position {
  /** Undefined: all are done. */
  readonly step: Step | undefined
  /** Steps that are done, and steps in all so far as the text tells. */
  readonly number: number
  readonly total: number
  /** What the journal says of that. */
  readonly done: readonly string[]
  /** Of the step's text: whether one that was begun is the same still. */
  readonly checksum: string
  /** What the journal will say once the step is done. */
  readonly doneAfter: readonly string[]
}

/** The steps of one part of a migration, in the division in which it was begun. */
export class Course {
  readonly #migration: Migration
  readonly #part: SqlPart
  readonly #sums: Sums
  readonly #divisions: Map<number, 'before' | 'alone'>
  #steps: readonly Step[] | undefined
  #next = 0
  #first: readonly FirstStep[] | undefined

  /** `divisions`: where the server is known to want it divided. */
  constructor(migration: Migration, part: SqlPart, divisions: Divisions = new Map()) {
    this.#migration = migration
    this.#part = part
    this.#sums = new Sums(part)
    this.#divisions = new Map(divisions)
  }

  /**
   * Where it stands, by its row's journal.
   * @throws DivergedError if what is done was changed in the file; PlanError if the rest cannot be divided.
   */
  async at(journal: Journal | null): Promise<Position> {
    await loadParser()
    const progress = progressOf(journal)
    if (progress.firstVersion) return this.#atFirst(journal)
    const { steps: number, statements } = progress
    if (statements > 0 && this.#sums.upTo(statements) !== progress.checksum) throw this.#diverged(number)
    const started = journal?.started
    // what was begun by itself goes on by itself, as long as it is the same statement
    if (started?.statements === statements && !this.#divisions.has(statements)) {
      const piece = this.#sums.pieceAt(statements)
      if (piece && this.#sums.of(piece) === started.checksum) this.#learn(statements, 'alone')
    }
    const step = this.#stepFrom(statements)
    const rest = this.#steps!.length - this.#next
    return {
      step,
      number,
      total: number + rest,
      done: journal?.done ?? [],
      checksum: step ? this.#sums.of(step) : '',
      doneAfter: step ? doneEntry(this.#sums.upTo(step.upTo), step.upTo, number + 1) : [],
    }
  }

  /**
   * Takes in that the server refused a step for what only it can tell. True: it is divided otherwise from now on.
   * `statement`: where the one begins that failed.
   */
  divide(step: Step, statement: number | undefined, code: string): boolean {
    if (!step.divisible || step.mode === 'alone') return false
    const first = this.#first?.findIndex(({ start }) => start === step.start)
    if (first !== undefined) {
      this.#first = this.#first!.with(first, { ...this.#first![first]!, mode: 'alone' })
      return true
    }
    if (statement === undefined) return false
    const division = divisionAt(this.#part, step, statement, code)
    // refused although it is divided so: another attempt would end the same way
    if (!division || this.#divisions.get(division.index) === division.where) return false
    this.#learn(division.index, division.where)
    return true
  }

  #learn(index: number, where: 'before' | 'alone'): void {
    this.#divisions.set(index, where)
    this.#steps = undefined
  }

  /** The first step that is not done. */
  #stepFrom(statements: number): Step | undefined {
    const goesOn = this.#steps && (this.#next === 0 ? 0 : this.#steps[this.#next - 1]!.upTo) === statements
    if (!goesOn && this.#steps?.[this.#next]?.upTo === statements) this.#next++
    else if (!goesOn) {
      const { source: sql, start, end, marks } = this.#part
      this.#steps = divide({ sql, start, end }, !marks.transaction, this.#divisions, statements)
      this.#next = this.#steps.findIndex(({ upTo }) => upTo > statements)
      if (this.#next === -1) this.#next = this.#steps.length
    }
    return this.#steps![this.#next]
  }

  #atFirst(journal: Journal | null): Position {
    const { source, start, end, file } = this.#part
    this.#first ??= firstSteps(source, start, end)
    if (!this.#first)
      throw new UsageError(`${file} was begun statement by statement, and cannot be read any more. Correct it.`)
    const steps = this.#first
    const done = journal?.done ?? []
    if (done.some((checksum, i) => checksum !== steps[i]?.checksum)) throw this.#diverged(done.length)
    const step = steps[done.length]
    const checksum = step?.checksum ?? ''
    return { step, number: done.length, total: steps.length, done, checksum, doneAfter: [...done, checksum] }
  }

  #diverged(steps: number): DivergedError {
    const { file, name } = this.#migration
    return new DivergedError(
      `${file} was changed in ${steps === 1 ? 'step 1, which is' : `one of its first ${steps} steps, which are`} already done: ${name} was interrupted after ${steps} steps. ` +
        'Undo the change in the steps that are done; those that are not may be corrected.',
    )
  }
}

/** Where to divide a stretch of a part of which the server refused a statement; undefined: that would not help. */
export function divisionAt(
  part: SqlPart,
  stretch: { readonly start: number },
  statement: number,
  code: string,
): { readonly index: number; readonly where: 'before' | 'alone' } | undefined {
  let index = 0
  let first: number | undefined
  for (const piece of split(part.source, part.start, part.end)) {
    if (piece.start >= stretch.start) first ??= index
    if (piece.start === statement) {
      // too late in a transaction for SET TRANSACTION: it would not come in time in another one either
      if (piece.first === 'set') return undefined
      if (code !== sqlstate.unsafeNewEnumValue) return { index, where: 'alone' }
      return index > first! ? { index, where: 'before' } : undefined
    }
    index++
  }
  return undefined
}

/** Checksums over statements: blanks and comments between them may be changed at any time. */
class Sums {
  readonly #part: SqlPart
  #pieces: Generator<Piece, void> | undefined
  #hash: Hash = createHash('sha256')
  #count = 0

  constructor(part: SqlPart) {
    this.#part = part
  }

  /** Of the first `count` statements; empty if there are not so many. */
  upTo(count: number): string {
    if (!this.#pieces || count < this.#count) {
      this.#pieces = split(this.#part.source, this.#part.start, this.#part.end)
      this.#hash = createHash('sha256')
      this.#count = 0
    }
    for (; this.#count < count; this.#count++) {
      const { done, value } = this.#pieces.next()
      if (done) return ''
      this.#take(this.#hash, value)
      if (value.data) this.#take(this.#hash, value.data)
      this.#hash.update(';')
    }
    return shortDigest(this.#hash.copy())
  }

  /** Of the text of one statement. */
  of(range: { readonly start: number; readonly end: number }): string {
    const hash = createHash('sha256')
    this.#take(hash, range)
    return shortDigest(hash)
  }

  pieceAt(index: number): Piece | undefined {
    let at = 0
    for (const piece of split(this.#part.source, this.#part.start, this.#part.end)) if (at++ === index) return piece
    return undefined
  }

  #take(hash: Hash, { start, end }: { readonly start: number; readonly end: number }): void {
    const length = 1 << 20
    for (let at = start; at < end; at += length)
      hash.update(textOf(this.#part.source, { start: at, end: Math.min(at + length, end) }))
  }
}

function shortDigest(hash: Hash): string {
  return hash.digest('hex').slice(0, 16)
}
