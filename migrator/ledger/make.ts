// Makes the ledger, takes an older one along, and puts its tables right; in one transaction, under the run lock.

import { requireFunctionDdl } from '../../gate/protocol/require.ts'
import { setLimits } from '../apply/messages.ts'
import { DeniedError } from '../errors.ts'
import type { Session } from '../postgres/session.ts'
import { atomically } from '../run/attempt.ts'
import { limitsOf, type Run } from '../run/run.ts'
import { version } from '../version.ts'
import { readCondition, requireOurs, requireOwn, showRows, withRowSecurity } from './condition.ts'
import { type Ledger, readWholeLedger } from './read.ts'
import { ledgerIsReadOnly } from './rights.ts'
import { currentVersion, ledgerDdl, stepsFrom } from './versions.ts'

/** True if the ledger is to be made, taken along or put right, and this session is the one that can. */
export function isToBeMade(session: Session, { version: from, condition }: Ledger): boolean {
  const mine = [...(condition?.tables.values() ?? [])].every(table => table.mine)
  return mine && !session.greeting.readOnly && (from < currentVersion || withRowSecurity(condition).length > 0)
}

/**
 * Begins the run's record, and before that whatever the ledger needs for it.
 * @throws UsageError, DeniedError or NewerLedgerError if the ledger is not this run's to change; then nothing was.
 */
export async function makeLedger(run: Run): Promise<void> {
  const { session, settings, record, log } = run
  const { schema } = settings
  const condition = await readCondition(session, schema)
  if (condition) {
    requireOurs(condition)
    requireOwn(condition)
  }
  const hidden = withRowSecurity(condition)
  if (hidden.length > 0) await atomically(run, `${limits(run)}${showRows(schema)}`)
  const found = await readWholeLedger(session, schema)
  const steps = stepsFrom(found.version)
  if (steps.length === 0) {
    await atomically(run, record.begin())
  } else {
    const ddl = ledgerDdl(schema, found.version, { runId: run.id, toolVersion: version })
    await atomically(
      run,
      `${limits(run)}${ddl}${ledgerIsReadOnly(schema)}${showRows(schema)}${requireFunctionDdl(schema)}${record.begin()}`,
    )
    if (found.version > 0)
      log.info(
        { event: 'ledger', from: found.version, to: currentVersion },
        `took the ledger ${schema} along from version ${found.version} to ${currentVersion} (${steps.map(({ what }) => what).join(', ')})`,
      )
  }
  record.hasBegun()
  if (hidden.length === 0 && steps.length === 0) return
  const still = withRowSecurity(await readCondition(session, schema))
  if (still.length > 0)
    throw new DeniedError(
      `Row level security was switched off for ${still.join(', ')}, and is on again: something of this database's switches it on, an event trigger perhaps. ` +
        `Have it leave the schema ${schema} alone, which is schemagate's own, and run it again.`,
    )
}

/** The ledger's tables are locked by gates that are open, and those make way. */
function limits(run: Run): string {
  return setLimits(limitsOf(run, {}, false), true)
}
