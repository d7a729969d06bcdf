// Tickets: made, listed, read, changed; and never anybody else's.

import { describe, expect } from 'vitest'
import { type AppFixture, expectProblem, newUser, test } from '../../helpers/app-process.ts'

const path = '/api/v1/tickets'

async function newTicket(app: AppFixture, token: string, body: Record<string, unknown> = {}) {
  const answer = await app.request('POST', path, { token, body: { title: 'It is broken', ...body } })
  expect(answer.status, answer.text).toBe(201)
  return answer
}

describe('making a ticket', () => {
  test('answers 201 with the ticket and where it is', async ({ app }) => {
    const { id, token } = await newUser(app)
    const answer = await newTicket(app, token, { description: 'Since Monday.', priority: 'high' })
    expect(JSON.parse(answer.text)).toEqual({
      id: expect.any(String),
      title: 'It is broken',
      description: 'Since Monday.',
      status: 'open',
      priority: 'high',
      created_by: id,
      assignee_id: null,
      created_at: expect.any(String),
      updated_at: answer.get('created_at'),
      last_activity_at: answer.get('created_at'),
      closed_at: null,
    })
    const read = await app.request('GET', answer.headers.get('location') ?? '', { token })
    expect(read.text).toBe(answer.text)
  })

  test('keeps any text as it is, also what looks like SQL or markup', async ({ app }) => {
    const { token } = await newUser(app)
    const title = `'; drop table tickets; -- <script>"\\ \u202e\t${'🙂'.repeat(20)}`
    const answer = await newTicket(app, token, { title, description: '\n'.repeat(20_000) })
    expect(answer.get('title')).toBe(title)
  })

  test('gives it to a member only', async ({ app }) => {
    const [{ id, token }, stranger] = [await newUser(app), await newUser(app)]
    expect((await newTicket(app, token, { assignee_id: id })).get('assignee_id')).toBe(id)
    const answer = await app.request('POST', path, { token, body: { title: 'x', assignee_id: stranger.id } })
    expectProblem(answer, 400)
    expect(answer.get('errors', 0, 'at')).toBe('/assignee_id')
  })
})

describe('the list', () => {
  test('has those touched last first, page by page, each once', async ({ app }) => {
    const { token } = await newUser(app)
    const ids: unknown[] = []
    for (let i = 0; i < 7; i++) ids.unshift((await newTicket(app, token, { title: `ticket ${i}` })).get('id'))
    const seen: unknown[] = []
    let next = `${path}?limit=3`
    for (;;) {
      const page = await app.request('GET', next, { token })
      expect(page.status, page.text).toBe(200)
      const tickets = page.get('tickets')
      if (!Array.isArray(tickets)) throw new Error('no list')
      seen.push(...tickets.map((ticket: { id: string }) => ticket.id))
      const cursor = page.get('next_cursor')
      if (cursor === null) break
      expect(tickets).toHaveLength(3)
      next = `${path}?limit=3&cursor=${cursor}`
    }
    expect(seen).toEqual(ids)
  })

  test('goes through tickets of the same moment as well', async ({ app }) => {
    const { id, token, organizationId } = await newUser(app)
    await app.database.query(
      `insert into tickets (organization_id, created_by, title, last_activity_at)
       select $1, $2, 'same', '2026-01-01 00:00:00.123456+00' from generate_series(1, 5)`,
      [organizationId, id],
    )
    const first = await app.request('GET', `${path}?limit=3`, { token })
    const second = await app.request('GET', `${path}?limit=3&cursor=${first.get('next_cursor')}`, { token })
    expect(first.get('tickets', 2)).toBeTruthy()
    expect(second.get('tickets', 1)).toBeTruthy()
    expect(second.get('next_cursor')).toBe(null)
  })

  test('can be of one state', async ({ app }) => {
    const { token } = await newUser(app)
    await newTicket(app, token)
    const pending = await newTicket(app, token, { status: 'pending' })
    const answer = await app.request('GET', `${path}?status=pending`, { token })
    expect(JSON.parse(answer.text)).toEqual({ tickets: [JSON.parse(pending.text)], next_cursor: null })
  })

  test('comes from the index that was built for it', async ({ app }) => {
    const client = await app.database.connect()
    try {
      await client.query('begin; set local enable_seqscan = off; set local enable_sort = off')
      const { rows } = await client.query(
        `explain select id from tickets where organization_id = gen_random_uuid() order by last_activity_at desc, id desc limit 20`,
      )
      expect(JSON.stringify(rows)).toContain('tickets_activity_idx')
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})

describe('changing a ticket', () => {
  test('changes what is given and nothing else, and logs from what to what', async ({ app }) => {
    const { id: userId, token } = await newUser(app)
    const ticket = await newTicket(app, token, { description: 'Since Monday.' })
    const id = ticket.get('id')
    const changed = await app.request('PATCH', `${path}/${id}`, {
      token,
      body: { status: 'closed', title: 'It was broken' },
    })
    expect(changed.status, changed.text).toBe(200)
    expect(JSON.parse(changed.text)).toEqual({
      ...JSON.parse(ticket.text),
      title: 'It was broken',
      status: 'closed',
      closed_at: expect.any(String),
      updated_at: changed.get('closed_at'),
      last_activity_at: changed.get('closed_at'),
    })
    const { rows } = await app.database.query(
      'select action, actor_id::text, detail from audit_log where entity_id = $1 order by id',
      [id],
    )
    expect(rows).toEqual([
      { action: 'ticket.created', actor_id: userId, detail: { title: 'It is broken' } },
      {
        action: 'ticket.updated',
        actor_id: userId,
        detail: { title: { from: 'It is broken', to: 'It was broken' }, status: { from: 'open', to: 'closed' } },
      },
    ])
    const reopened = await app.request('PATCH', `${path}/${id}`, { token, body: { status: 'open' } })
    expect(reopened.get('closed_at')).toBe(null)
  })

  test('to what it is already changes and logs nothing', async ({ app }) => {
    const { token } = await newUser(app)
    const ticket = await newTicket(app, token)
    const same = await app.request('PATCH', `${path}/${ticket.get('id')}`, { token, body: { status: 'open' } })
    expect(same.text).toBe(ticket.text)
    const { rows } = await app.database.query('select action from audit_log where entity_id = $1', [ticket.get('id')])
    expect(rows).toEqual([{ action: 'ticket.created' }])
  })

  test('by several at once loses no change', async ({ app }) => {
    const { token } = await newUser(app)
    const id = (await newTicket(app, token)).get('id')
    const changes = [
      { title: 'new title' },
      { description: 'new description' },
      { priority: 'urgent' },
      { status: 'pending' },
    ]
    await Promise.all(changes.map(body => app.request('PATCH', `${path}/${id}`, { token, body })))
    const answer = await app.request('GET', `${path}/${id}`, { token })
    expect(JSON.parse(answer.text)).toMatchObject(Object.assign({}, ...changes))
  })
})

describe("another organisation's ticket", () => {
  test('is as good as none: not listed, 404 to read and to change, and it stays as it is', async ({ app }) => {
    const [owner, stranger] = [await newUser(app), await newUser(app)]
    const ticket = await newTicket(app, owner.token)
    const one = `${path}/${ticket.get('id')}`
    expect(JSON.parse((await app.request('GET', path, { token: stranger.token })).text).tickets).toEqual([])
    const read = await app.request('GET', one, { token: stranger.token })
    expectProblem(read, 404)
    expectProblem(await app.request('PATCH', one, { token: stranger.token, body: { title: 'mine' } }), 404)
    expect((await app.request('GET', one, { token: owner.token })).text).toBe(ticket.text)
    const none = await app.request('GET', `${path}/00000000-0000-4000-8000-000000000000`, { token: stranger.token })
    expect(none.text).toBe(read.text)
  })

  test('is served once the caller has become a member, and no longer when they have left', async ({ app }) => {
    const [owner, guest] = [await newUser(app), await newUser(app)]
    const ticket = await newTicket(app, owner.token)
    const one = `${path}/${ticket.get('id')}`
    await app.database.query('update memberships set organization_id = $2 where user_id = $1', [
      guest.id,
      owner.organizationId,
    ])
    expect((await app.request('GET', one, { token: guest.token })).status).toBe(200)
    await app.database.query('delete from memberships where user_id = $1', [guest.id])
    expectProblem(await app.request('GET', one, { token: guest.token }), 403)
  })

  test.for([
    ['GET', path],
    ['POST', path],
    ['GET', `${path}/00000000-0000-4000-8000-000000000000`],
    ['PATCH', `${path}/00000000-0000-4000-8000-000000000000`],
  ] as const)('nor does a stranger get further than 401: %s %s', async ([method, url], { app }) => {
    expectProblem(await app.request(method, url, method === 'GET' ? {} : { body: 'not even JSON' }), 401)
  })
})
