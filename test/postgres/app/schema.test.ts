// The example's schema: it goes up and down and up again, keeps what it promises, and fills old rows without harm.

import { describe, expect } from 'vitest'
import { migrate } from '../../helpers/app-process.ts'
import { dumpDatabase } from '../../helpers/catalog.ts'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'

async function run(database: ScratchDatabase, ...args: string[]): Promise<void> {
  const result = await schemagate(args, { env: { DATABASE_URL: database.url } })
  expect(result.code, result.stdout + result.stderr).toBe(0)
}

describe('the migrations', () => {
  test('can be undone to nothing, and done again to the same end', async ({ database }) => {
    const empty = await dumpDatabase(database.url)
    await migrate(database.url)
    const migrated = await dumpDatabase(database.url)
    await run(database, 'down', '--step', '6', '--yes')
    expect(await dumpDatabase(database.url)).toBe(empty)
    await migrate(database.url)
    expect(await dumpDatabase(database.url)).toBe(migrated)
    expect(migrated).not.toMatch(/INVALID|not validated/)
  })

  test('can be undone one by one, each to what was there before it', async ({ database }) => {
    const { migrations } = JSON.parse((await schemagate(['manifest'])).stdout)
    const names: string[] = migrations.map(({ name }: { name: string }) => name)
    const dumps = [await dumpDatabase(database.url)]
    for (const name of names) {
      await run(database, 'up', '--to', name)
      dumps.push(await dumpDatabase(database.url))
    }
    for (const _ of names) {
      dumps.pop()
      await run(database, 'down', '--step', '1', '--yes')
      expect(await dumpDatabase(database.url)).toBe(dumps.at(-1))
    }
  })

  test('are all marked as harmless for older apps', async () => {
    const { migrations } = JSON.parse((await schemagate(['manifest'])).stdout)
    expect(migrations.filter(({ breaking }: { breaking: boolean }) => breaking)).toEqual([])
  })
})

describe('the schema', () => {
  test('has an index for every foreign key', async ({ database }) => {
    await migrate(database.url)
    const { rows } = await database.query(`
      select conrelid::regclass::text as table, conname as key from pg_constraint k
      where contype = 'f' and not exists (
        select from pg_index i where i.indrelid = k.conrelid and i.indpred is null and i.indisvalid
          and (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(k.conkey)] @> k.conkey)`)
    expect(rows).toEqual([])
  })

  test('keeps no time without its zone', async ({ database }) => {
    await migrate(database.url)
    const { rows } = await database.query(
      `select table_name, column_name from information_schema.columns
       where table_schema = 'public' and data_type in ('timestamp without time zone', 'time without time zone', 'date')`,
    )
    expect(rows).toEqual([])
  })

  test('refuses what must not be', async ({ database }) => {
    await migrate(database.url)
    await database.query(twoOrganizations)
    for (const [what, sqlstate, sql] of refused)
      await expect(database.query(sql), what).rejects.toMatchObject({ code: sqlstate })
  })

  test('gives the tickets of a member who leaves back, and takes a comment for activity', async ({ database }) => {
    await migrate(database.url)
    await database.query(twoOrganizations)
    await database.query(`update tickets set assignee_id = '${id(1)}'`)
    await database.query(`delete from memberships where user_id = '${id(1)}'`)
    const before = await database.query(
      'select assignee_id, organization_id, last_activity_at, updated_at from tickets',
    )
    expect(before.rows).toMatchObject([{ assignee_id: null, organization_id: id(1) }])
    await database.query(
      `insert into ticket_comments (organization_id, ticket_id, body) values ('${id(1)}', '${id(9)}', 'Seen.')`,
    )
    const after = await database.query('select last_activity_at, updated_at from tickets')
    expect(after.rows[0]?.last_activity_at.getTime()).toBeGreaterThan(before.rows[0]?.last_activity_at.getTime())
    expect(after.rows[0]?.updated_at).toEqual(before.rows[0]?.updated_at)
  })
})

describe('the backfill', () => {
  test('dates each old ticket by its last change or comment, and changes nothing else', async ({ database }) => {
    await oldTickets(database, 2_500)
    const before = await database.query('select id, updated_at from tickets order by id')
    await migrate(database.url)
    const { rows } = await database.query(`
      select count(*)::int as tickets,
        count(*) filter (where last_activity_at = greatest(t.updated_at, (select max(created_at) from ticket_comments c where c.ticket_id = t.id)))::int as right,
        count(*) filter (where last_activity_at > t.updated_at)::int as commented
      from tickets t`)
    expect(rows).toEqual([{ tickets: 2_500, right: 2_500, commented: 250 }])
    expect((await database.query('select id, updated_at from tickets order by id')).rows).toEqual(before.rows)
  })

  test('that was stopped half-way has kept its batches, and the next run does the rest', async ({ database }) => {
    await oldTickets(database, 2_500)
    const blocker = await database.connect()
    await blocker.query('begin; select from tickets where id = (select max(id::text)::uuid from tickets) for update')
    const filled = async () =>
      (await database.query('select count(*)::int from tickets where last_activity_at is not null')).rows[0]?.count
    const stopped = start(['up'], { env: { DATABASE_URL: database.url, SCHEMAGATE_LOCK_TIMEOUT: '60s' } })
    await eventually(async () => expect(await filled()).toBe(2_000))
    stopped.kill('SIGTERM')
    expect(await stopped.ended).toMatchObject({ code: 143 })
    expect(await filled()).toBe(2_000)
    await blocker.query('rollback')
    await migrate(database.url)
    expect(await filled()).toBe(2_500)
  })
})

/** A database as it was before 0004, with tickets of all ages, every tenth with comments. */
async function oldTickets(database: ScratchDatabase, count: number): Promise<void> {
  await run(database, 'up', '--to', '0003_ticket_activity')
  await database.query(`insert into organizations (id, name) values ('${id(1)}', 'One')`)
  await database.query(
    `insert into tickets (organization_id, title, updated_at, last_activity_at)
     select '${id(1)}', 'old ' || n, timestamptz '2026-01-01' + n * interval '1 minute', null from generate_series(1, $1) n`,
    [count],
  )
  await database.query(
    `alter table ticket_comments disable trigger user;
     insert into ticket_comments (organization_id, ticket_id, body, created_at)
     select organization_id, id, 'x', updated_at + n * interval '1 hour'
     from (select *, row_number() over (order by id) as place from tickets) t, generate_series(1, 2) n where place % 10 = 0;
     alter table ticket_comments enable trigger user`,
  )
}

function id(n: number): string {
  return `00000000-0000-4000-8000-00000000000${n}`
}

const twoOrganizations = `
  insert into organizations (id, name) values ('${id(1)}', 'One'), ('${id(2)}', 'Two');
  insert into users (id, email, password_hash, full_name) values ('${id(1)}', 'ann@example.org', 'x', 'Ann'), ('${id(2)}', 'bob@example.org', 'x', 'Bob');
  insert into memberships (organization_id, user_id) values ('${id(1)}', '${id(1)}'), ('${id(2)}', '${id(2)}');
  insert into tickets (id, organization_id, title) values ('${id(9)}', '${id(1)}', 'It is broken')`

const refused: readonly [what: string, sqlstate: string, sql: string][] = [
  [
    'the same e-mail twice, whatever its case',
    '23505',
    `insert into users (email, password_hash, full_name) values ('ANN@example.org', 'x', 'x')`,
  ],
  ['an e-mail that is none', '23514', `insert into users (email, password_hash, full_name) values ('ann', 'x', 'x')`],
  ['a state that is none', '23514', `update tickets set status = 'lost'`],
  ['a closed ticket without the time', '23514', `update tickets set status = 'closed'`],
  ['an assignee from another organisation', '23503', `update tickets set assignee_id = '${id(2)}'`],
  [
    "a comment on another organisation's ticket",
    '23503',
    `insert into ticket_comments (organization_id, ticket_id, body) values ('${id(2)}', '${id(9)}', 'x')`,
  ],
  [
    "a file on another organisation's ticket",
    '23503',
    `insert into files (organization_id, ticket_id, name, content_type, size_bytes, storage_key) values ('${id(2)}', '${id(9)}', 'x', 'text/plain', 1, 'k')`,
  ],
  [
    'a stored file without its checksum',
    '23514',
    `insert into files (organization_id, name, content_type, size_bytes, storage_key, state) values ('${id(1)}', 'x', 'text/plain', 1, 'k', 'stored')`,
  ],
  ['an action that is no word', '23514', `insert into audit_log (action) values ('x')`],
  ['a ticket without its last activity', '23502', `update tickets set last_activity_at = null`],
]
