// Divides a text into steps: statement by statement, each with the settings that earlier ones made.

import { heldBy, heldByWords, makes, uses } from './held-until-commit.ts'
import { type Relevant, textOf } from './outline.ts'
import type { Statement } from './parse.ts'
import {
  beginOptions,
  liftsLockTimeout,
  type Setting,
  setsEncoding,
  settingOf,
  transactionModes,
  withSetting,
} from './settings.ts'
import { IndivisibleError, type Range, type Step, StrayRollbackError, UnendedBlockError } from './step.ts'
import { controlOf, forbidsTransaction } from './transaction-statements.ts'

/** The statements of one step, as far as they are read. */
interface Group {
  /** The file's own BEGIN; undefined: there is none. */
  readonly block?: { readonly begin: string; readonly offset: number }
  readonly first: number
  readonly settings: readonly Setting[]
  readonly modes: string[]
  readonly skipped: Range[]
  /** The number of statements that are sent. */
  sent: number
  start: number
  end: number
  firstSent: number
  /** Savepoints and cursors that were made in it. */
  readonly made: Set<string>
}

/** Takes the statements in order. What a file's own BEGIN, COMMIT and ROLLBACK bound is a transaction of its own. */
export class Division {
  readonly #sql: string
  readonly #each: boolean
  readonly #done: number
  readonly #steps: Step[] = []
  #group: Group | undefined
  /** The settings that hold from here on; replaced and never changed, because steps keep them. */
  #settings: readonly Setting[] = []
  readonly #savepoints = new Map<string, readonly Setting[]>()
  /** Until the next BEGIN or COMMIT of the file: the modes of, and what is held in, the one transaction that this would be. */
  #modes: string[] = []
  #held: IndivisibleError[] = []
  /** What was held where the text was divided. */
  #lost: IndivisibleError | undefined
  #madeBefore = new Set<string>()
  #begun = false
  /** There was a COMMIT with no BEGIN of the file before it: its tool begins the transaction. */
  #endedByFile = false

  constructor(sql: string, each: boolean, done: number) {
    this.#sql = sql
    this.#each = each
    this.#done = done
  }

  /** A step ends before the statement of this number. */
  cut(index: number): void {
    if (!this.#group?.block) this.#close(index, true)
  }

  take(piece: Relevant, statement: Statement | undefined, alone: boolean): void {
    const control = statement && controlOf(statement.node)
    if (control === 'begin') this.#begin(piece)
    else if (control === 'commit' || control === 'rollback') this.#end(piece, statement!, control === 'rollback')
    else if (this.#isPassedOver(piece, statement)) this.#skip(piece)
    else if (!this.#group?.block && (alone || (statement && forbidsTransaction(statement.node))))
      this.#alone(piece, statement)
    else this.#add(piece, statement)
  }

  /** The steps. `count`: of the statements of the text. */
  finish(count: number): Step[] {
    const block = this.#group?.block
    if (block && (!this.#endedByFile || this.#each)) throw new UnendedBlockError(block.offset, this.#endedByFile)
    this.#close(count, false)
    return this.#steps
  }

  #begin(piece: Relevant): void {
    if (this.#group?.block) {
      this.#skip(piece)
      return
    }
    this.#close(piece.index, true)
    this.#requireWhole(piece.index)
    this.#open(piece, { begin: beginOptions(textOf(this.#sql, piece)), offset: piece.start })
  }

  #end(piece: Relevant, statement: Statement, rolledBack: boolean): void {
    const begin = this.#group?.block?.begin
    if (begin === undefined && rolledBack) {
      if (!this.#each && this.#group) throw new StrayRollbackError(piece.start)
      this.#skip(piece)
      return
    }
    if (begin === undefined) this.#endedByFile = true
    this.#close(piece.index + 1, false, rolledBack)
    // local settings end with the transaction
    this.#settings = this.#settings.filter(({ local }) => !local)
    this.#modes = []
    this.#held = []
    this.#lost = undefined
    this.#madeBefore = new Set()
    this.#begun = false
    if ('TransactionStmt' in statement.node && statement.node.TransactionStmt.chain)
      this.#open({ ...piece, index: piece.index + 1 }, { begin: begin ?? '', offset: piece.start })
  }

  #isPassedOver({ first }: Relevant, statement: Statement | undefined): boolean {
    if (first === '\\restrict') return true
    if (!statement) return false
    // it would release the run lock; a migration starts and ends with a clean session anyway
    if ('DiscardStmt' in statement.node && forbidsTransaction(statement.node)) return true
    if (liftsLockTimeout(statement) || setsEncoding(statement)) return true
    const mode = transactionModes(statement)
    if (mode === undefined) return false
    // outside of a transaction it has no effect; in the file's one transaction it holds for all of its parts
    const group = this.#group
    if (group?.block) {
      if (group.sent > 0) return false
      group.modes.push(mode)
    } else if (!this.#each) {
      if (this.#begun) return false
      this.#modes.push(mode)
    }
    return true
  }

  #skip(piece: Relevant): void {
    this.#group?.skipped.push(piece)
  }

  #alone(piece: Relevant, statement: Statement | undefined): void {
    const { index, start, end } = piece
    this.#close(index, true)
    this.#requireWhole(index)
    this.#begun = true
    this.#steps.push({
      start,
      end,
      skipped: [],
      mode: 'alone',
      begin: '',
      rolledBack: false,
      first: index,
      upTo: index + 1,
      settings: this.#settings,
      divisible: false,
      statement,
    })
    this.#crossed(index + 1)
  }

  #add(piece: Relevant, statement: Statement | undefined): void {
    const group = this.#group ?? this.#open(piece)
    if (group.sent === 0) {
      if (!group.block) this.#requireWhole(piece.index)
      group.start = piece.start
      group.firstSent = piece.index
    }
    group.end = piece.data?.end ?? piece.end
    group.sent++
    this.#begun = true
    if (statement) this.#note(piece, statement, group)
    const held = this.#each ? undefined : ((statement && heldBy(statement)) ?? heldByWords(piece.words, statement))
    if (held && !group.block) this.#held.push(new IndivisibleError(piece.start, held))
    if (this.#each && !group.block) this.#close(piece.index + 1, false)
  }

  /** Notes what a statement sets or makes for those after it. */
  #note(piece: Relevant, statement: Statement, group: Group): void {
    const made = makes(statement)
    if (made) {
      group.made.add(made)
      this.#savepoints.set(made, this.#settings)
    }
    const used = uses(statement)
    if (used && !group.made.has(used) && this.#madeBefore.has(used) && piece.index >= this.#done)
      throw new IndivisibleError(piece.start, `the ${used} is gone at the end of its transaction`)
    if (used && 'TransactionStmt' in statement.node && /ROLLBACK_TO/.test(statement.node.TransactionStmt.kind ?? ''))
      this.#settings = this.#savepoints.get(used) ?? this.#settings
    const setting = settingOf(statement)
    if (setting === undefined || setting === 'unknown') return
    // without BEGIN each statement is a transaction of its own, and its local settings end with it
    if (setting.local && this.#each && !group.block) return
    this.#settings = withSetting(this.#settings, setting)
  }

  #open(piece: Relevant, block?: Group['block']): Group {
    this.#group = {
      ...(block && { block }),
      first: piece.index,
      settings: this.#settings,
      modes: [],
      skipped: [],
      sent: 0,
      start: piece.start,
      end: piece.start,
      firstSent: piece.index,
      made: new Set(),
    }
    return this.#group
  }

  #close(upTo: number, forced: boolean, rolledBack = false): void {
    const group = this.#group
    this.#group = undefined
    if (group && group.sent > 0) {
      const modes = group.block ? [group.block.begin, ...group.modes] : this.#modes
      this.#steps.push({
        start: group.start,
        end: group.end,
        skipped: group.skipped.filter(({ start, end }) => start >= group.start && end <= group.end),
        mode: 'transaction',
        begin: modes.filter(Boolean).join(', '),
        rolledBack,
        first: group.firstSent,
        upTo,
        settings: group.settings,
        divisible: !group.block,
      })
      for (const made of group.made) this.#madeBefore.add(made)
      if (rolledBack) this.#settings = group.settings
    }
    if (forced) this.#crossed(upTo)
  }

  /** A transaction ends here that would go on if the file were one transaction. */
  #crossed(index: number): void {
    if (index > this.#done) this.#lost ??= this.#held[0]
  }

  #requireWhole(index: number): void {
    if (this.#lost && index >= this.#done) throw this.#lost
  }
}
