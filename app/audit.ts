// The audit log: who did what to which thing, written in the transaction that did it.

import type { Queryable } from './database.ts'

export interface AuditEntry {
  readonly organizationId: string
  readonly actorId: string
  readonly action: 'user.registered' | 'ticket.created' | 'ticket.updated'
  readonly entityId: string
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Adds a row to the log; it is kept only if the transaction is. */
export async function audit(
  transaction: Queryable,
  { organizationId, actorId, action, entityId, detail = {} }: AuditEntry,
): Promise<void> {
  await transaction.query(
    'insert into audit_log (organization_id, actor_id, action, entity_id, detail) values ($1, $2, $3, $4, $5)',
    [organizationId, actorId, action, entityId, JSON.stringify(detail)],
  )
}
