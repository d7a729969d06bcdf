// How a migration's SQL is run: as one transaction, or as steps that each are journalled.

import { parseStatements, type Statement } from './parse.ts'
import { controlOf, forbidsTransaction } from './transactions.ts'

/** One step of a migration that cannot run in one transaction. Offsets are UTF-16, into the SQL that was planned. */
export interface Step {
  readonly sql: string
  readonly start: number
  /** `transaction`: commits together with its journal entry. `alone`: must not be in a transaction. */
  readonly mode: 'transaction' | 'alone'
  /** What a file's own BEGIN said besides: `isolation level serializable`. */
  readonly begin: string
  /** The block ends with ROLLBACK: it is run, and leaves nothing behind. */
  readonly rolledBack: boolean
  readonly statements: readonly Statement[]
}

export type Plan =
  | { readonly transaction: true; readonly sql: string; readonly begin: string }
  | { readonly transaction: false; readonly steps: readonly Step[] }

/** A BEGIN that is never ended: psql would roll it back when it leaves, which nobody means. `offset` is UTF-16. */
export class UnendedBlockError extends Error {
  readonly offset: number
  constructor(offset: number) {
    super('this BEGIN is never ended. Add COMMIT at the end, or remove BEGIN: a migration has its own transaction.')
    this.offset = offset
  }
}

/** Words without which no statement ends, begins or forbids a transaction, or lifts a limit: most files need no parsing. */
const telling =
  /\b(concurrently|vacuum|cluster|reindex|database|tablespace|system|subscription|discard|begin|start|commit|end|rollback|abort|prepare|prepared|transaction|lock_timeout)\b/i

/** True if the text must be parsed to know how it can be run. */
export function needsParsing(sql: string): boolean {
  return telling.test(sql)
}

/**
 * Plans a migration's SQL. With `transaction` false (the mark) it is always run in steps. Undefined: the grammar does
 * not take the text, so that no step can be told from the next.
 */
export function planSql(sql: string, transaction: boolean): Plan | undefined {
  if (transaction && !needsParsing(sql)) return { transaction: true, sql, begin: '' }
  const parsed = parseStatements(sql)
  if (!parsed) return undefined
  const lifting = parsed.filter(liftsLockTimeout)
  const statements = parsed.filter(statement => !lifting.includes(statement))
  if (transaction) {
    const text = blankOut(sql, lifting)
    const wrapped = unwrap(text, statements)
    if (wrapped) return wrapped
    if (!statements.some(s => forbidsTransaction(s.node) || isControl(s))) return whole(text, '', statements)
  }
  return { transaction: false, steps: toSteps(statements) }
}

/**
 * `SET lock_timeout = 0`, which every pg_dump begins with: a statement behind it could wait for a lock for ever, and all
 * that comes after it would queue behind. It is passed over; a mark sets a migration's own limit.
 */
function liftsLockTimeout({ node, text }: Statement): boolean {
  if (!('VariableSetStmt' in node) || node.VariableSetStmt.name !== 'lock_timeout') return false
  return /(?:=|\bto\b)\s*(?:0+|'\s*0+\s*[a-z]*\s*')\s*$/i.test(withoutComments(text))
}

function isControl(statement: Statement): boolean {
  const control = controlOf(statement.node)
  return control !== undefined && control !== 'inside'
}

/**
 * A file's own BEGIN and COMMIT, where they wrap all of it, become ours. They are blanked, so that every position stays
 * what it was.
 */
function unwrap(sql: string, statements: readonly Statement[]): Plan | undefined {
  const first = statements[0]
  const last = statements.at(-1)
  if (!first || !last || first === last) return undefined
  if (controlOf(first.node) !== 'begin' || controlOf(last.node) !== 'commit' || chains(last)) return undefined
  const inner = statements.slice(1, -1)
  if (inner.some(s => isControl(s) || forbidsTransaction(s.node))) return undefined
  return whole(blankOut(sql, [first, last]), beginOptions(first.text), inner)
}

/** One transaction. The modes that its first statements set go into its BEGIN, since ours come before those. */
function whole(sql: string, begin: string, statements: readonly Statement[]): Plan {
  const modes = leadingModes(statements)
  return {
    transaction: true,
    sql: blankOut(sql, statements.slice(0, modes.length)),
    begin: [begin, ...modes].filter(Boolean).join(', '),
  }
}

/** The text with the statements replaced by blanks: every position stays what it was. */
function blankOut(sql: string, statements: readonly Statement[]): string {
  let text = sql
  for (const { start, end } of statements)
    text = text.slice(0, start) + text.slice(start, end).replace(/\S/g, ' ') + text.slice(end)
  return text
}

function beginOptions(text: string): string {
  return withoutComments(text)
    .replace(/^(begin|start)(\s+(work|transaction))?/i, '')
    .trim()
}

/** What the `SET TRANSACTION ...` say that stand first: Postgres takes an isolation level only before any query. */
function leadingModes(statements: readonly Statement[]): string[] {
  const modes: string[] = []
  for (const statement of statements) {
    const mode = setsTransaction(statement)
      ? /^set\s+(?:local\s+)?transaction\s+(.*)$/is.exec(withoutComments(statement.text))?.[1]
      : undefined
    if (mode === undefined) break
    modes.push(mode.trim())
  }
  return modes
}

function setsTransaction({ node }: Statement): boolean {
  return 'VariableSetStmt' in node && node.VariableSetStmt.name === 'TRANSACTION'
}

function withoutComments(text: string): string {
  return text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
}

function chains(statement: Statement): boolean {
  return 'TransactionStmt' in statement.node && statement.node.TransactionStmt.chain === true
}

function toSteps(statements: readonly Statement[]): Step[] {
  const steps: Step[] = []
  let block: { begin: string; start: number; statements: Statement[] } | undefined
  const close = (rolledBack: boolean) => {
    const modes = leadingModes(block?.statements ?? [])
    const inner = block?.statements.slice(modes.length) ?? []
    const begin = [block?.begin, ...modes].filter(Boolean).join(', ')
    if (inner.length > 0) steps.push(transactionStep(inner, begin, rolledBack))
    block = undefined
  }
  for (const statement of statements) {
    const control = controlOf(statement.node)
    if (control === 'begin') {
      block ??= { begin: beginOptions(statement.text), start: statement.start, statements: [] }
    } else if (control === 'commit' || control === 'rollback') {
      const begin = block?.begin ?? ''
      close(control === 'rollback')
      if (chains(statement)) block = { begin, start: statement.start, statements: [] }
    } else if (block) {
      block.statements.push(statement)
    } else if ('DiscardStmt' in statement.node && forbidsTransaction(statement.node)) {
      // DISCARD ALL would give up the run lock; a migration starts and ends with a clean session anyway
    } else if (setsTransaction(statement)) {
      // outside of a transaction it does nothing; in one of ours it would come too late and fail
    } else if (forbidsTransaction(statement.node)) {
      const { text: sql, start } = statement
      steps.push({ sql, start, mode: 'alone', begin: '', rolledBack: false, statements: [statement] })
    } else {
      steps.push(transactionStep([statement], '', false))
    }
  }
  if (block) throw new UnendedBlockError(block.start)
  return steps
}

function transactionStep(statements: readonly Statement[], begin: string, rolledBack: boolean): Step {
  const start = statements[0]!.start
  // statements of a block are joined again with their own distances, so that positions hold
  let sql = ''
  for (const statement of statements) {
    sql = `${sql.padEnd(statement.start - start, ' ')}${statement.text};`
  }
  return { sql: sql.replace(/;$/, ''), start, mode: 'transaction', begin, rolledBack, statements }
}
