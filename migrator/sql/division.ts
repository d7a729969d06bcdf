// Divides a text into steps: statement by statement, with what the transaction of each would know.

import { heldBy, heldByWords, makes, wants } from './held.ts'
import { type Told, textOf } from './outline.ts'
import type { Statement } from './parse.ts'
import { beginOptions, liftsLockTimeout, type Setting, settingOf, transactionModes } from './settings.ts'
import { IndivisibleError, type Range, type Step, StrayRollbackError, UnendedBlockError } from './step.ts'
import { controlOf, forbidsTransaction } from './transactions.ts'

/** Statements that are to be one step, as far as they are read. */
interface Group {
  /** Of the file's own BEGIN; undefined: none holds it together. */
  readonly block?: { readonly begin: string; readonly offset: number }
  readonly first: number
  readonly settings: readonly Setting[]
  readonly modes: string[]
  readonly skipped: Range[]
  /** Statements that are sent. */
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
  /** What holds from here on; never changed in place, so that each step may keep it. */
  #settings: readonly Setting[] = []
  readonly #savepoints = new Map<string, readonly Setting[]>()
  /** Until the next BEGIN or COMMIT of the file's own: what was said of, and is held in, the one transaction it would be. */
  #modes: string[] = []
  #held: IndivisibleError[] = []
  /** It was divided behind what is held. */
  #lost: IndivisibleError | undefined
  #madeBefore = new Set<string>()
  #begun = false
  /** A COMMIT that no BEGIN of the file's own precedes: its tool begins the transaction. */
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

  take(piece: Told, statement: Statement | undefined, alone: boolean): void {
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

  #begin(piece: Told): void {
    if (this.#group?.block) {
      this.#skip(piece)
      return
    }
    this.#close(piece.index, true)
    this.#requireWhole(piece.index)
    this.#open(piece, { begin: beginOptions(textOf(this.#sql, piece)), offset: piece.start })
  }

  #end(piece: Told, statement: Statement, rolledBack: boolean): void {
    const begin = this.#group?.block?.begin
    if (begin === undefined && rolledBack) {
      if (!this.#each && this.#group) throw new StrayRollbackError(piece.start)
      this.#skip(piece)
      return
    }
    if (begin === undefined) this.#endedByFile = true
    this.#close(piece.index + 1, false, rolledBack)
    // what was local to the transaction is gone with it
    this.#settings = this.#settings.filter(({ local }) => !local)
    this.#modes = []
    this.#held = []
    this.#lost = undefined
    this.#madeBefore = new Set()
    this.#begun = false
    if ('TransactionStmt' in statement.node && statement.node.TransactionStmt.chain)
      this.#open({ ...piece, index: piece.index + 1 }, { begin: begin ?? '', offset: piece.start })
  }

  #isPassedOver({ first }: Told, statement: Statement | undefined): boolean {
    if (first === '\\restrict') return true
    if (!statement) return false
    // it would give up the run lock; a migration starts and ends with a clean session anyway
    if ('DiscardStmt' in statement.node && forbidsTransaction(statement.node)) return true
    if (liftsLockTimeout(statement)) return true
    const mode = transactionModes(statement)
    if (mode === undefined) return false
    // outside of a transaction it says nothing; of the file's one transaction it holds for all of its parts
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

  #skip(piece: Told): void {
    this.#group?.skipped.push(piece)
  }

  #alone(piece: Told, statement: Statement | undefined): void {
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

  #add(piece: Told, statement: Statement | undefined): void {
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

  /** What a statement sets or makes for those behind it. */
  #note(piece: Told, statement: Statement, group: Group): void {
    const made = makes(statement)
    if (made) {
      group.made.add(made)
      this.#savepoints.set(made, this.#settings)
    }
    const wanted = wants(statement)
    if (wanted && !group.made.has(wanted) && this.#madeBefore.has(wanted) && piece.index >= this.#done)
      throw new IndivisibleError(piece.start, `the ${wanted} is gone at the end of its transaction`)
    if (wanted && 'TransactionStmt' in statement.node && /ROLLBACK_TO/.test(statement.node.TransactionStmt.kind ?? ''))
      this.#settings = this.#savepoints.get(wanted) ?? this.#settings
    const setting = settingOf(statement)
    if (setting === undefined || setting === 'unknown') return
    // without BEGIN each statement is a transaction of its own, and nothing is left of it behind it
    if (setting.local && this.#each && !group.block) return
    this.#settings = [...this.#settings, setting]
  }

  #open(piece: Told, block?: Group['block']): Group {
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
        divisible: !group.block || group.sent === 1,
      })
      for (const made of group.made) this.#madeBefore.add(made)
      if (rolledBack) this.#settings = group.settings
    }
    if (forced) this.#crossed(upTo)
  }

  /** A transaction ends here that would go on in one for the whole file. */
  #crossed(index: number): void {
    if (index > this.#done) this.#lost ??= this.#held[0]
  }

  #requireWhole(index: number): void {
    if (this.#lost && index >= this.#done) throw this.#lost
  }
}
