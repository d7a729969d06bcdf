// The locks of an adoption: the other tool's table, and the lock that the tool itself takes, for one transaction.

import type { HistoryTable } from '../../gate/histories/history.ts'
import { quotedTable } from '../../gate/histories/index.ts'
import { doBlock, quoteLiteral } from '../../gate/postgres/quote.ts'
import { sqlstate } from '../../gate/postgres/sqlstate.ts'
import type { FilesTool } from '../histories/tool.ts'

/**
 * Statements that take them, or fail with 55P03, which is tried again. A run of the tool that has written its table is
 * waited for, and none can write it before this transaction ends. Many tools write their row only after the migration: the
 * tool's own lock, where it has one, keeps an adoption from reading in between.
 */
export function historyLocks(filesTool: FilesTool, table: HistoryTable, database: string): string[] {
  const { title } = table.tool
  const own = (filesTool.lockKeys?.(table, database) ?? []).map(key =>
    doBlock(
      `if not pg_catalog.pg_try_advisory_xact_lock(${key}) then ` +
        `raise sqlstate '${sqlstate.lockNotAvailable}' using message = ${quoteLiteral(`${title} is at work: it holds its lock`)}; end if;`,
    ),
  )
  return [...own, `lock table ${quotedTable(table)} in share row exclusive mode;`]
}
