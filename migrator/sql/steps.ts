// Plans how a migration's SQL is run: in one transaction, or in steps that are journalled one by one.

import { Division } from './division.ts'
import { type Outline, outline, parsePiece, type Relevant, textOf } from './outline.ts'
import type { Statement } from './parse.ts'
import { beginOptions, liftsLockTimeout, setsEncoding, transactionModes } from './settings.ts'
import { split } from './split.ts'
import type { Range, Step, Stretch } from './step.ts'
import { controlOf, forbidsTransaction } from './transaction-statements.ts'

export type Plan =
  | (Stretch & {
      readonly transaction: true
      /** The modes for the BEGIN that we send. */
      readonly begin: string
      /** The file has its own BEGIN and COMMIT around everything. */
      readonly wrapped: boolean
    })
  | { readonly transaction: false; readonly steps: readonly Step[] }

/** Where the server requires a text to be divided: before the statement of that number, or around it. */
export type Divisions = ReadonlyMap<number, 'before' | 'alone'>

export interface Reading extends Range {
  readonly sql: string
}

/** True if the plan needs the grammar. */
export function needsParsing({ relevant }: Outline): boolean {
  return relevant.some(({ first }) => first !== '\\restrict')
}

/** Plans a migration's SQL. With `transaction` false (the mark) it always runs in steps. Call loadParser() first. */
export function planSql(sql: string, transaction: boolean, range: Range = { start: 0, end: sql.length }): Plan {
  const text = { sql, ...range }
  return (transaction ? planWhole(text) : undefined) ?? { transaction: false, steps: divide(text, !transaction) }
}

/** As one transaction; undefined if the text shows that it cannot be. `read`: its outline, if there is one already. */
export function planWhole(text: Reading, read: Outline = outline(text.sql, text.start, text.end)): Plan | undefined {
  const { sql, start, end } = text
  const skipped: Relevant[] = []
  const controls: (Relevant & { control: string; chains: boolean })[] = []
  const modes = new Map<number, string>()
  for (const piece of read.relevant) {
    const statement = piece.first === '\\restrict' ? undefined : parsePiece(sql, piece)
    if (piece.first === '\\restrict' || (statement && (liftsLockTimeout(statement) || setsEncoding(statement))))
      skipped.push(piece)
    if (!statement) continue
    const control = controlOf(statement.node)
    if (forbidsTransaction(statement.node)) return undefined
    if (control && control !== 'inside') controls.push({ ...piece, control, chains: chains(statement) })
    const mode = transactionModes(statement)
    if (mode !== undefined) modes.set(piece.index, mode)
  }
  const [first, last] = [controls[0], controls.at(-1)]
  const wraps = controls.length === 2 && first?.control === 'begin' && first.index === 0 && last?.control === 'commit'
  // the file's own tool begins the transaction, and the file ends it
  const ends = controls.length === 1 && first?.control === 'commit'
  if (first && last && !((wraps || ends) && last.index === read.count - 1 && !last.chains)) return undefined
  skipped.push(...controls)
  // statements of ours come first, so that the modes that its first statements set have to go into BEGIN
  const begin = wraps ? [beginOptions(textOf(sql, first))] : []
  const passed = new Set(skipped.map(({ index }) => index))
  for (let index = 0; passed.has(index) || modes.has(index); index++) {
    if (!modes.has(index)) continue
    begin.push(modes.get(index)!)
    skipped.push(read.relevant.find(piece => piece.index === index)!)
  }
  return {
    transaction: true,
    start,
    end,
    skipped: skipped.toSorted((a, b) => a.start - b.start),
    begin: begin.filter(Boolean).join(', '),
    wrapped: wraps,
  }
}

/**
 * As steps. Statements that need no step of their own stay together in one transaction; with `each` (the mark) every
 * statement is a step, as in psql. `done`: the number of statements that are done already, after which a step ends.
 * @throws PlanError
 */
export function divide(text: Reading, each: boolean, divisions: Divisions = new Map(), done = 0): Step[] {
  const { sql, start, end } = text
  const relevant = new Map(outline(sql, start, end, true).relevant.map(piece => [piece.index, piece]))
  const division = new Division(sql, each, done)
  let index = 0
  for (const piece of split(sql, start, end)) {
    const wanted = divisions.get(index)
    if (wanted || index === done) division.cut(index)
    const parsed = relevant.has(index) || wanted === 'alone'
    const statement = parsed ? parsePiece(sql, piece) : undefined
    division.take({ ...piece, index }, statement, wanted === 'alone')
    index++
  }
  return division.finish(index)
}

function chains({ node }: Statement): boolean {
  return 'TransactionStmt' in node && node.TransactionStmt.chain === true
}
