// The caller's organisation's tickets: list, create, read, change. No other organisation's are visible.

import type { FastifyRequest } from 'fastify'
import type pg from 'pg'
import { Type } from 'typebox'
import type { Bearer } from '../auth/bearer.ts'
import type { App } from '../fastify.ts'
import { Problem } from '../problem.ts'
import { bearerSecurity, nullable, problems, Timestamp, text, Uuid } from '../schemas.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { type Actor, createTicket, findTicket, listTickets, priorities, statuses, updateTicket } from './tickets.ts'

const TicketSchema = Type.Object({
  id: Uuid,
  title: Type.String(),
  description: Type.String(),
  status: Type.Enum([...statuses]),
  priority: Type.Enum([...priorities]),
  created_by: nullable(Uuid),
  assignee_id: nullable(Uuid),
  created_at: Timestamp,
  updated_at: Timestamp,
  last_activity_at: Timestamp,
  closed_at: nullable(Timestamp),
})

const fields = {
  title: text(200),
  description: Type.String({ maxLength: 20_000 }),
  status: Type.Enum([...statuses]),
  priority: Type.Enum([...priorities]),
  assignee_id: nullable(Uuid),
}

const NewTicket = Type.Object(
  {
    title: fields.title,
    description: Type.Optional(fields.description),
    status: Type.Optional(fields.status),
    priority: Type.Optional(fields.priority),
    assignee_id: Type.Optional(fields.assignee_id),
  },
  { additionalProperties: false },
)

const Changes = Type.Partial(Type.Object(fields), { additionalProperties: false, minProperties: 1 })

const Page = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    cursor: Type.Optional(Type.String({ maxLength: 200, description: 'next_cursor of the page before' })),
    status: Type.Optional(fields.status),
  },
  { additionalProperties: false },
)

const TicketId = Type.Object({ id: Uuid })

/** The routes below /tickets. All of them want a bearer token, of a member of an organisation. */
export function ticketRoutes(app: App, { pool, bearer }: { pool: pg.Pool; bearer: Bearer }): void {
  app.addHook('onRequest', bearer.require)
  const common = { tags: ['tickets'], security: bearerSecurity }

  const actorOf = (request: FastifyRequest): Actor => {
    const { id, organization } = bearer.user(request)
    if (!organization) throw new Problem(403, 'You are not a member of any organization.')
    return { userId: id, organizationId: organization.id }
  }

  app.get(
    '',
    {
      preValidation: numberLimit,
      schema: {
        ...common,
        summary: 'The tickets, those changed last first',
        querystring: Page,
        response: {
          200: Type.Object({
            tickets: Type.Array(TicketSchema),
            next_cursor: nullable(Type.String()),
          }),
          ...problems(400, 401, 503),
        },
      },
    },
    async request => {
      const { limit, status, cursor: after } = request.query
      const cursor = after === undefined ? undefined : readCursor(after)
      if (after !== undefined && !cursor) throw new Problem(400, 'The cursor is not one that this list gave out.')
      const { tickets, hasMore } = await listTickets(pool, actorOf(request).organizationId, { limit, status, cursor })
      const last = hasMore ? tickets.at(-1) : undefined
      return { tickets, next_cursor: last ? writeCursor({ at: last.last_activity_at, id: last.id }) : null }
    },
  )

  app.post(
    '',
    {
      schema: {
        ...common,
        summary: 'Make a ticket',
        body: NewTicket,
        response: { 201: TicketSchema, ...problems(400, 401, 503) },
      },
    },
    async (request, reply) => {
      const { title, description = '', status = 'open', priority = 'normal', assignee_id = null } = request.body
      const ticket = await createTicket(pool, actorOf(request), { title, description, status, priority, assignee_id })
      return reply.code(201).header('location', `/api/v1/tickets/${ticket.id}`).send(ticket)
    },
  )

  app.get(
    '/:id',
    {
      schema: {
        ...common,
        summary: 'Read a ticket',
        params: TicketId,
        response: { 200: TicketSchema, ...problems(400, 401, 404, 503) },
      },
    },
    async request => {
      const ticket = await findTicket(pool, actorOf(request).organizationId, request.params.id)
      return ticket ?? notFound()
    },
  )

  app.patch(
    '/:id',
    {
      schema: {
        ...common,
        summary: 'Change a ticket',
        params: TicketId,
        body: Changes,
        response: { 200: TicketSchema, ...problems(400, 401, 404, 503) },
      },
    },
    async request => {
      const ticket = await updateTicket(pool, actorOf(request), request.params.id, request.body)
      return ticket ?? notFound()
    },
  )
}

/** A query string holds text only, and the server coerces no types: a body's "1" must not pass for 1. */
async function numberLimit(request: FastifyRequest): Promise<void> {
  const query = request.query
  if (typeof query === 'object' && query !== null && 'limit' in query && /^\d{1,4}$/.test(String(query.limit)))
    query.limit = Number(query.limit)
}

function notFound(): never {
  throw new Problem(404, 'There is no such ticket.')
}
