// The steps of release 0.1, one for each statement: a migration that it began goes on in the same steps.

import { createHash } from 'node:crypto'
import { parseStatements, type Statement } from './parse.ts'
import { beginOptions, liftsLockTimeout, transactionModes } from './settings.ts'
import { type Step, UnendedBlockError } from './step.ts'
import { controlOf, forbidsTransaction } from './transaction-statements.ts'

/** A step, with the checksum by which 0.1 journals it. */
export interface FirstStep extends Step {
  readonly checksum: string
}

/** The steps; undefined if the grammar does not take the text. Offsets are into the whole of `sql`. */
export function firstSteps(sql: string, from: number, to: number): FirstStep[] | undefined {
  const parsed = parseStatements(sql.slice(from, to))?.map(statement => ({
    ...statement,
    start: statement.start + from,
    end: statement.end + from,
  }))
  if (!parsed) return undefined
  const lifting = parsed.filter(liftsFirstTimeout)
  const steps: FirstStep[] = []
  const earlier: Statement[] = []
  let block: { begin: string; start: number; statements: Statement[] } | undefined
  const add = (statements: readonly Statement[], begin: string, rolledBack: boolean, mode: Step['mode']) => {
    const start = statements[0]!.start
    const end = statements.at(-1)!.end
    steps.push({
      start,
      end,
      skipped: lifting.filter(lifted => lifted.start >= start && lifted.end <= end),
      mode,
      begin,
      rolledBack,
      first: steps.length,
      upTo: steps.length + 1,
      settings: earlier.filter(keepsSetting).map(({ text }) => ({ text, local: false, session: text })),
      divisible: statements.length === 1,
      statement: statements[0],
      checksum: stepChecksum(statements),
    })
    earlier.push(...statements)
  }
  const close = (rolledBack: boolean) => {
    const modes = leadingModes(block?.statements ?? [])
    const inner = block?.statements.slice(modes.length) ?? []
    if (inner.length > 0) add(inner, [block?.begin, ...modes].filter(Boolean).join(', '), rolledBack, 'transaction')
    block = undefined
  }
  for (const statement of parsed) {
    if (lifting.includes(statement)) continue
    const control = controlOf(statement.node)
    if (control === 'begin') {
      block ??= { begin: beginOptions(statement.text), start: statement.start, statements: [] }
    } else if (control === 'commit' || control === 'rollback') {
      const begin = block?.begin ?? ''
      close(control === 'rollback')
      if ('TransactionStmt' in statement.node && statement.node.TransactionStmt.chain)
        block = { begin, start: statement.start, statements: [] }
    } else if (block) block.statements.push(statement)
    else if ('DiscardStmt' in statement.node && forbidsTransaction(statement.node)) continue
    else if (transactionModes(statement) !== undefined) continue
    else add([statement], '', false, forbidsTransaction(statement.node) ? 'alone' : 'transaction')
  }
  if (block) throw new UnendedBlockError(block.start, false)
  return steps
}

function liftsFirstTimeout(statement: Statement): boolean {
  const { node } = statement
  return 'VariableSetStmt' in node && node.VariableSetStmt.kind === 'VAR_SET_VALUE' && liftsLockTimeout(statement)
}

function leadingModes(statements: readonly Statement[]): string[] {
  const end = statements.findIndex(statement => transactionModes(statement) === undefined)
  return statements.slice(0, end === -1 ? statements.length : end).map(statement => transactionModes(statement)!)
}

/** Statements that change the session for the statements after them. */
function keepsSetting({ node, text }: Statement): boolean {
  return 'VariableSetStmt' in node
    ? node.VariableSetStmt.is_local !== true
    : /^select\s+(pg_catalog\.)?set_config\s*\(.*,\s*false\s*\)$/is.test(text)
}

/** Release 0.1 joined the statements of a block at their own distances, with blanks in place of comments. */
function stepChecksum(statements: readonly Statement[]): string {
  const start = statements[0]!.start
  let sql = ''
  for (const statement of statements) sql = `${sql.padEnd(statement.start - start, ' ')}${statement.text};`
  return createHash('sha256').update(sql.replace(/;$/, '')).digest('hex').slice(0, 16)
}
