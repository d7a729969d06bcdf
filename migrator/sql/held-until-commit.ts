// What a statement holds until the end of its transaction, and cannot be given to a later one: locks, cursors, savepoints.

import type { Statement } from './parse.ts'
import { settingOf } from './settings.ts'
import { words } from './split.ts'

/** What is lost at the end of the transaction, as a clause; undefined if nothing is. */
export function heldBy({ node }: Statement): string | undefined {
  if ('LockStmt' in node) return 'LOCK holds until the end of its transaction'
  if ('ConstraintsSetStmt' in node && node.ConstraintsSetStmt.deferred)
    return 'SET CONSTRAINTS ... DEFERRED holds until the end of its transaction'
  const onCommit =
    'CreateStmt' in node
      ? node.CreateStmt.oncommit
      : 'CreateTableAsStmt' in node
        ? node.CreateTableAsStmt.into?.onCommit
        : undefined
  if (onCommit === 'ONCOMMIT_DROP') return 'ON COMMIT DROP drops the table at the end of its transaction'
  if (onCommit === 'ONCOMMIT_DELETE_ROWS')
    return 'ON COMMIT DELETE ROWS empties the table at the end of its transaction'
  return undefined
}

/** The same for a statement that takes a lock by a function, or whose text does not show what it sets. */
export function heldByWords(wordBits: number, statement: Statement | undefined): string | undefined {
  if (wordBits & words.transactionLock) return 'an advisory lock of a transaction holds until its end'
  if (statement && settingOf(statement) === 'unknown')
    return 'the text of this statement does not show what it sets for its transaction'
  return undefined
}

const withHold = 32

/** The savepoint or cursor that a statement makes; only its own transaction has it. */
export function makes({ node }: Statement): string | undefined {
  if ('DeclareCursorStmt' in node && !((node.DeclareCursorStmt.options ?? 0) & withHold))
    return `cursor ${node.DeclareCursorStmt.portalname}`
  if ('TransactionStmt' in node && node.TransactionStmt.kind === 'TRANS_STMT_SAVEPOINT')
    return `savepoint ${node.TransactionStmt.savepoint_name}`
  return undefined
}

/** The savepoint or cursor that a statement uses. */
export function uses({ node }: Statement): string | undefined {
  if ('FetchStmt' in node) return `cursor ${node.FetchStmt.portalname}`
  if ('ClosePortalStmt' in node && node.ClosePortalStmt.portalname) return `cursor ${node.ClosePortalStmt.portalname}`
  if ('TransactionStmt' in node && /RELEASE|ROLLBACK_TO/.test(node.TransactionStmt.kind ?? ''))
    return `savepoint ${node.TransactionStmt.savepoint_name}`
  return undefined
}
