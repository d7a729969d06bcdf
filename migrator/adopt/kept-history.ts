// An adopted history that is kept: each migration's own transaction writes the other tool's row, too.

import type { Migration } from '../files/migration.ts'
import { filesToolOf, toolFiles } from '../histories/index.ts'
import type { RowContext } from '../histories/tool.ts'
import type { History } from '../ledger/history.ts'
import type { Run } from '../run/run.ts'
import { adoptedTable, readAdoption } from './record.ts'

/**
 * Has the run write the other tool's rows, if the ledger remembers that it should. A table that is gone needs no rows: that
 * is logged.
 */
export async function keepHistory(run: Run, files: readonly Migration[], history: History): Promise<void> {
  const { session, ledger, log } = run
  const adoption = await readAdoption(session, ledger.schema, history.ledger.condition)
  if (!adoption?.keepHistory) return
  const table = await adoptedTable(session, ledger.schema, adoption)
  if (!table) {
    log.warn(
      { event: 'kept-history', table: `${adoption.schema}.${adoption.table}` },
      `${adoption.schema}.${adoption.table} is gone: the rows of ${adoption.tool} are not kept any more`,
    )
    return
  }
  const filesTool = filesToolOf(table.tool)
  const own = toolFiles(filesTool, files)
  const checksums = filesTool.checksums?.(own)
  const contextOf = (name: string): RowContext | undefined => {
    const index = own.findIndex(({ migration }) => migration.name === name)
    const file = own[index]
    return file && { table, file, checksum: checksums?.get(name)?.[0], before: own[index - 1], files: own }
  }
  const statement = (name: string, make: ((context: RowContext) => string) | undefined): string => {
    const context = contextOf(name)
    return context && make ? make(context) : ''
  }
  ledger.change.otherHistory = {
    applied: name => statement(name, filesTool.writeRow),
    reverted: name => statement(name, filesTool.removeRow),
  }
}
