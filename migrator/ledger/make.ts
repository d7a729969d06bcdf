// Makes the ledger, upgrades an older one, and repairs its tables; in one transaction, under the run lock.

import { requireFunctionDdl } from '../../gate/protocol/require.ts'
import { DeniedError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Limits } from '../postgres/limits.ts'
import type { Session } from '../postgres/session.ts'
import { type Change, statementsOnly } from './changes.ts'
import { othersRoutines, readCondition, requireOurs, requireOwn, showRows, withRowSecurity } from './condition.ts'
import type { Ledger } from './ledger.ts'
import { givenToOwner } from './owner.ts'
import { type LedgerContents, readLedger } from './read.ts'
import { ledgerIsReadOnly } from './rights.ts'
import { currentVersion, ledgerDdl, stepsFrom } from './versions.ts'

/** True if the ledger must be made, upgraded or repaired, and this session has the right to. */
export function isToBeMade(session: Session, { version: from, condition }: LedgerContents): boolean {
  const mine = [...(condition?.tables.values() ?? [])].every(table => table.mine)
  return mine && !session.greeting.readOnly && (from < currentVersion || withRowSecurity(condition).length > 0)
}

/**
 * Begins a run's record, and before that whatever the ledger needs for it.
 * @param begun the record's row.
 * @param limits for what locks the ledger's tables: gates that are open hold them, and make way.
 * @throws UsageError, DeniedError or NewerLedgerError if the ledger is not this run's to change; then nothing was.
 */
export async function makeLedger(
  session: Session,
  ledger: Ledger,
  begun: Change,
  limits: Limits,
  by: { readonly runId: string; readonly toolVersion: string },
  log: Log,
): Promise<void> {
  const { schema } = ledger
  const condition = await readCondition(session, schema)
  if (condition) {
    requireOurs(condition)
    requireOwn(condition, await othersRoutines(session, schema))
  }
  const hidden = withRowSecurity(condition)
  if (hidden.length > 0) await ledger.write([statementsOnly(showRows(schema))], { limits })
  const found = await readLedger(session, schema)
  const steps = stepsFrom(found.version)
  if (steps.length === 0) {
    await ledger.write([begun])
  } else {
    const ddl = `${ledgerDdl(schema, found.version, by)}${ledgerIsReadOnly(schema)}${showRows(schema)}${requireFunctionDdl(schema)}${givenToOwner(schema)}`
    await ledger.write([statementsOnly(ddl), begun], { limits })
    if (found.rows)
      log.info(
        { event: 'ledger', from: found.version, to: currentVersion },
        `brought the ledger ${schema} to version ${currentVersion}, which lacked: ${steps.map(({ what }) => what).join(', ')}`,
      )
  }
  if (hidden.length > 0 || steps.length > 0) await requireVisible(session, schema)
}

async function requireVisible(session: Session, schema: string): Promise<void> {
  const still = withRowSecurity(await readCondition(session, schema))
  if (still.length > 0)
    throw new DeniedError(
      `Row level security was switched off for ${still.join(', ')}, and is on again: something in this database switches it on, an event trigger perhaps. ` +
        `Have it leave the schema ${schema} alone, which is schemagate's own, and run it again.`,
    )
}
