// Tickets in the database, always those of one organisation.

import type pg from 'pg'
import { audit } from '../audit.ts'
import { brokenConstraint, inTransaction, iso, type Queryable } from '../database.ts'
import { Problem } from '../problem.ts'
import type { Cursor } from './cursor.ts'

export const statuses = ['open', 'pending', 'resolved', 'closed'] as const
export const priorities = ['low', 'normal', 'high', 'urgent'] as const

export interface Ticket {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly status: (typeof statuses)[number]
  readonly priority: (typeof priorities)[number]
  readonly created_by: string | null
  readonly assignee_id: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly last_activity_at: string
  readonly closed_at: string | null
}

/** What a caller may set. */
export interface TicketFields {
  title: string
  description: string
  status: Ticket['status']
  priority: Ticket['priority']
  assignee_id: string | null
}

/** Who acts, and for which organisation. */
export interface Actor {
  readonly userId: string
  readonly organizationId: string
}

// Named one by one: a column that a later migration adds must not change an answer.
const columns = `id, title, description, status, priority, created_by, assignee_id,
  ${iso('created_at')} as created_at, ${iso('updated_at')} as updated_at,
  ${iso('last_activity_at')} as last_activity_at, ${iso('closed_at')} as closed_at`

const fields = ['title', 'description', 'status', 'priority', 'assignee_id'] as const

/**
 * Tickets changed last come first; those after `cursor`, if there is one. One row more than `limit` means that there
 * are more.
 */
export async function listTickets(
  database: Queryable,
  organizationId: string,
  { limit, status, cursor }: { limit: number; status: Ticket['status'] | undefined; cursor: Cursor | undefined },
): Promise<{ tickets: Ticket[]; hasMore: boolean }> {
  const { rows } = await database.query<Ticket>(
    `select ${columns} from tickets
     where organization_id = $1
       and ($2::text is null or status = $2)
       and ($3::timestamptz is null or (last_activity_at, id) < ($3, $4::uuid))
     order by tickets.last_activity_at desc, tickets.id desc
     limit $5`,
    [organizationId, status ?? null, cursor?.at ?? null, cursor?.id ?? null, limit + 1],
  )
  return { tickets: rows.slice(0, limit), hasMore: rows.length > limit }
}

/** A ticket of this organisation; undefined also for one of another organisation. */
export async function findTicket(
  database: Queryable,
  organizationId: string,
  id: string,
  lock: 'for update' | '' = '',
): Promise<Ticket | undefined> {
  const { rows } = await database.query<Ticket>(
    `select ${columns} from tickets where organization_id = $1 and id = $2 ${lock}`,
    [organizationId, id],
  )
  return rows[0]
}

/**
 * Writes a ticket and its entry in the audit log, in one transaction. @throws Problem (400) if the assignee is no
 * member.
 */
export async function createTicket(pool: pg.Pool, actor: Actor, given: TicketFields): Promise<Ticket> {
  return withAssigneeChecked(() =>
    inTransaction(pool, async transaction => {
      const { rows } = await transaction.query<Ticket>(
        `insert into tickets (organization_id, created_by, title, description, status, priority, assignee_id, closed_at)
         values ($1, $2, $3, $4, $5, $6, $7, case when $5 = 'closed' then now() end)
         returning ${columns}`,
        [actor.organizationId, actor.userId, ...fields.map(field => given[field])],
      )
      const ticket = rows[0]
      if (!ticket) throw new Error('an insert returned no row')
      await log(transaction, actor, 'ticket.created', ticket.id, { title: ticket.title })
      return ticket
    }),
  )
}

/** Changes what is given and differs; undefined if there is no such ticket. */
export async function updateTicket(
  pool: pg.Pool,
  actor: Actor,
  id: string,
  given: Partial<TicketFields>,
): Promise<Ticket | undefined> {
  return withAssigneeChecked(() =>
    inTransaction(pool, async transaction => {
      const before = await findTicket(transaction, actor.organizationId, id, 'for update')
      if (!before) return undefined
      const after = { ...before, ...given }
      const changed = fields.filter(field => after[field] !== before[field])
      if (changed.length === 0) return before
      const { rows } = await transaction.query<Ticket>(
        `update tickets
         set title = $3, description = $4, status = $5, priority = $6, assignee_id = $7,
             closed_at = case when $5 = 'closed' then coalesce(closed_at, now()) end
         where organization_id = $1 and id = $2
         returning ${columns}`,
        [actor.organizationId, id, ...fields.map(field => after[field])],
      )
      const changes = changed.map(field => [field, { from: before[field], to: after[field] }])
      await log(transaction, actor, 'ticket.updated', id, Object.fromEntries(changes))
      return rows[0]
    }),
  )
}

function log(
  transaction: Queryable,
  { organizationId, userId }: Actor,
  action: 'ticket.created' | 'ticket.updated',
  entityId: string,
  detail: Record<string, unknown>,
): Promise<void> {
  return audit(transaction, { organizationId, actorId: userId, action, entityId, detail })
}

async function withAssigneeChecked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (brokenConstraint(error, '23503') === 'tickets_organization_id_assignee_id_fkey')
      throw new Problem(400, 'The assignee is not a member of your organization.', {
        errors: [{ in: 'body', at: '/assignee_id', message: 'must be a member of your organization' }],
      })
    throw error
  }
}
