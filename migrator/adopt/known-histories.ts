// The histories of other tools in a database, an adopted one included, whatever its table is called.

import type { HistoryTable } from '../../gate/histories/history.ts'
import { lookAround } from '../../gate/histories/index.ts'
import { readCondition } from '../ledger/condition.ts'
import type { Session } from '../postgres/session.ts'
import { adoptedTable, readAdoption } from './record.ts'

/** Asks the catalogue, and the ledger for what was adopted. */
export async function knownHistories(session: Session, ledgerSchema: string): Promise<readonly HistoryTable[]> {
  const { histories } = await lookAround(session, ledgerSchema)
  const adoption = await readAdoption(session, ledgerSchema, await readCondition(session, ledgerSchema))
  if (!adoption || histories.some(one => one.schema === adoption.schema && one.table === adoption.table))
    return histories
  const adopted = await adoptedTable(session, ledgerSchema, adoption)
  return adopted ? [...histories, adopted] : histories
}
