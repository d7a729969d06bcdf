// What stands around a migration is kept by the server as procedures, and is sent as text where it may not be.

import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type CliResult, schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { untilItRuns } from '../../helpers/session-watch.ts'

const as = (url: string, dir: string, more: Record<string, string> = {}) => ({
  env: { DATABASE_URL: url, SCHEMAGATE_DIR: dir, ...more },
})

interface Procedure {
  name: string
  source: string
  owner: string
}

async function procedures(database: ScratchDatabase): Promise<Procedure[]> {
  const { rows } = await database.query<Procedure & { [column: string]: unknown }>(
    `select proname as name, prosrc as source, pg_get_userbyid(proowner) as owner from pg_proc
      where pronamespace = 'schemagate'::regnamespace and prokind = 'p' order by 1`,
  )
  return rows
}

async function applied(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "select name from schemagate.ledger where state = 'applied' order by position",
  )
  return rows.map(({ name }) => name)
}

const names = ['begin_migration', 'record_applied']
const drops = names.map(name => `drop procedure schemagate.${name};`).join('')

test('they are there after the first run, and a later one leaves them as they are', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'create table a ();' })
  expect((await schemagate(['up'], as(database.url, dir))).code).toBe(0)
  expect((await procedures(database)).map(({ name }) => name)).toEqual(names)
  const oids = async () => {
    const { rows } = await database.query('select oid, xmin from pg_proc where proname = any ($1) order by oid', [
      names,
    ])
    return rows
  }
  const made = await oids()
  await write(dir, { '2_b.sql': 'create table b ();' })
  expect((await schemagate(['up'], as(database.url, dir))).code).toBe(0)
  expect(await oids()).toEqual(made)
  expect(await applied(database)).toEqual(['1_a', '2_b'])
})

test('they are known where a database quotes all identifiers', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'create table a ();' })
  await database.query(`alter database ${database.name} set quote_all_identifiers = on`)
  expect((await schemagate(['up'], as(database.url, dir))).code).toBe(0)
  await write(dir, { '2_b.sql': 'create table b ();' })
  const { code, stdout } = await schemagate(['up'], as(database.url, dir))
  expect(code, stdout).toBe(0)
  expect(await applied(database)).toEqual(['1_a', '2_b'])
})

test('one that is not as this release has it is replaced', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'create table a ();' })
  expect((await schemagate(['up'], as(database.url, dir))).code).toBe(0)
  const before = await procedures(database)
  await database.query(
    `create or replace procedure schemagate.begin_migration(text, text, text) language plpgsql as $$ begin raise 'not this one'; end $$`,
  )
  await write(dir, { '2_b.sql': 'create table b ();' })
  const result = await schemagate(['up'], as(database.url, dir))
  expect(result.code, result.stdout).toBe(0)
  expect(await procedures(database)).toEqual(before)
})

describe('dropped', () => {
  test('by a migration, they are done without, and made again at the end', async ({ database }) => {
    const dir = await folder({ '1_a.sql': `create table a (); ${drops}`, '2_b.sql': 'create table b ();' })
    const result = await schemagate(['up'], as(database.url, dir))
    expect(result.code, result.stdout).toBe(0)
    expect(await applied(database)).toEqual(['1_a', '2_b'])
    expect((await procedures(database)).map(({ name }) => name)).toEqual(names)
  })

  test('by a migration and not made again, since the next one fails, they are made by the next run', async ({
    database,
  }) => {
    const dir = await folder({ '1_a.sql': `create table a (); ${drops}`, '2_b.sql': 'create table a ();' })
    expect((await schemagate(['up'], as(database.url, dir))).code).toBe(5)
    expect(await procedures(database)).toEqual([])
    await write(dir, { '2_b.sql': 'create table b ();' })
    expect((await schemagate(['up'], as(database.url, dir))).code).toBe(0)
    expect((await procedures(database)).map(({ name }) => name)).toEqual(names)
  })

  test('between two runs, as by a restore of the tables alone, they are made again', async ({ database }) => {
    const dir = await folder({ '1_a.sql': 'create table a ();' })
    expect((await schemagate(['up'], as(database.url, dir))).code).toBe(0)
    await database.query(drops)
    await write(dir, { '2_b.sql': 'create table b ();' })
    const result = await schemagate(['up'], as(database.url, dir))
    expect(result.code, result.stdout).toBe(0)
    expect((await procedures(database)).map(({ name }) => name)).toEqual(names)
  })
})

test('a migration that calls a procedure which is not there fails, whatever that is called', async ({ database }) => {
  const dir = await folder({ '1_a.sql': "call public.begin_migration('1_a', null, null);" })
  const result = await schemagate(['up'], as(database.url, dir))
  expect(result.code).toBe(5)
  expect(result.stdout).toContain('42883')
})

test('those of a stranger are not called: the run ends before it applies anything', async ({ database }) => {
  const [role, stranger] = [database.role('owner'), database.role('stranger')]
  await database.query(
    `create role ${role} login password 'pw'; create role ${stranger}; alter database ${database.name} owner to ${role}`,
  )
  const dir = await folder({ '1_a.sql': 'create table public.a ();' })
  const options = as(database.urlFor(role, 'pw'), dir)
  expect((await schemagate(['up'], options)).code).toBe(0)
  // the schema's owner would drop them, as the superuser below does
  await database.query(
    `alter schema schemagate owner to current_user; grant usage, create on schema schemagate to ${role};
     alter procedure schemagate.record_applied owner to ${stranger}`,
  )
  await write(dir, { '2_b.sql': 'create table public.b ();' })
  const refused = await schemagate(['up'], options)
  expect(refused.code, refused.stdout).toBe(9)
  expect(await applied(database)).toEqual(['1_a'])
  await database.query(handingOver(refused, stranger))
  expect((await schemagate(['up'], options)).code).toBe(0)
  expect(await applied(database)).toEqual(['1_a', '2_b'])
})

test('a ledger that is handed over as a refusal says is the next role’s, with its functions and procedures', async ({
  database,
}) => {
  const [before, after] = [database.role('before'), database.role('after')]
  await database.query(
    `create role ${before} login password 'pw'; create role ${after} login password 'pw';
     grant create on database ${database.name} to ${before}, ${after}`,
  )
  const dir = await folder({ '1_a.sql': 'create schema mine; create table mine.a ();' })
  expect((await schemagate(['up'], as(database.urlFor(before, 'pw'), dir))).code).toBe(0)
  await database.query(
    `grant usage, create on schema schemagate to ${after}; grant select on all tables in schema schemagate to ${after}`,
  )
  await write(dir, { '2_b.sql': 'create schema other; create table other.b ();' })
  const options = as(database.urlFor(after, 'pw'), dir)
  const refused = await schemagate(['up'], options)
  expect(refused.code, refused.stdout).toBe(9)
  await database.query(handingOver(refused, before))
  const result = await schemagate(['up'], options)
  expect(result.code, result.stdout).toBe(0)
  expect(await applied(database)).toEqual(['1_a', '2_b'])
})

test.for(['a superuser', 'the owner of the schema'])(
  'the run of %s does not leave them to a stranger who has made them',
  async (who, { database }) => {
    const [owner, stranger] = [database.role('owner'), database.role('stranger')]
    await database.query(
      `create role ${owner} login password 'pw'; create role ${stranger}; grant create on database ${database.name} to ${owner}`,
    )
    const dir = await folder({ '1_a.sql': 'create schema mine;' })
    const options = as(who === 'a superuser' ? database.url : database.urlFor(owner, 'pw'), dir)
    expect((await schemagate(['up'], options)).code).toBe(0)
    for (const name of names) await database.query(`alter procedure schemagate.${name} owner to ${stranger}`)
    await write(dir, { '2_b.sql': 'create table mine.b ();' })
    const result = await schemagate(['up'], options)
    expect(result.code, result.stdout).toBe(0)
    expect((await procedures(database)).map(procedure => procedure.owner)).not.toContain(stranger)
  },
)

describe('what another role’s run makes is given to the owner of the ledger, who goes on with it:', () => {
  async function owned(database: ScratchDatabase) {
    const owner = database.role('owner')
    await database.query(
      `create role ${owner} login password 'pw'; grant create on database ${database.name} to ${owner}`,
    )
    const dir = await folder({ '1_a.sql': 'create schema mine; create table mine.a ();' })
    const up = async (url = database.urlFor(owner, 'pw')) => {
      const result = await schemagate(['up'], as(url, dir, { SCHEMAGATE_ON_FOREIGN_TABLES: 'run' }))
      expect(result.code, result.stdout).toBe(0)
    }
    await up()
    const owners = async () => {
      const { rows } = await database.query<{ owner: string }>(
        `select distinct pg_get_userbyid(owner) as owner from (
           select relowner as owner from pg_class where relnamespace = 'schemagate'::regnamespace
           union all select proowner from pg_proc where pronamespace = 'schemagate'::regnamespace) o`,
      )
      return rows.map(row => row.owner)
    }
    return { owner, dir, up, owners }
  }

  test('a superuser’s', async ({ database }) => {
    const { owner, dir, up, owners } = await owned(database)
    // as an older release has left it: the procedures are made anew, and a table
    await database.query(
      `${drops} drop table schemagate.adoption; delete from schemagate.ledger_version where version = 3`,
    )
    // also where the run fails, and publishes nothing
    await write(dir, { '2_b.sql': 'create table mine.b (); select 1/0;' })
    expect((await schemagate(['up'], as(database.url, dir))).code).toBe(5)
    expect(await owners()).toEqual([owner])
    await write(dir, { '2_b.sql': 'create table mine.b ();' })
    await up(database.url)
    expect(await owners()).toEqual([owner])
    await write(dir, { '3_c.sql': 'create table mine.c ();' })
    await up()
    expect(await applied(database)).toEqual(['1_a', '2_b', '3_c'])
  })

  test('one of a group’s that owns the ledger', async ({ database }) => {
    const { owner, dir, up, owners } = await owned(database)
    const [group, other] = [database.role('group'), database.role('other')]
    await database.query(
      `create role ${group}; create role ${other} login password 'pw'; grant ${group} to ${other}, ${owner};
       grant create on database ${database.name} to ${group}; reassign owned by ${owner} to ${group}; ${drops}`,
    )
    for (const [i, role] of [other, owner, other].entries()) {
      await write(dir, { [`${i + 2}_b.sql`]: `create table mine.b${i} ();` })
      await up(database.urlFor(role, 'pw'))
      expect(await owners()).toEqual([group])
    }
  })
})

test('in a schema that the ledger shares, the project’s own of these names are left alone', async ({ database }) => {
  const stranger = database.role('stranger')
  await database.query(
    `create role ${stranger};
     create function begin_migration(int) returns int language sql as 'select 1'; create function record_applied() returns int language sql as 'select 2';
     create function require(int) returns int language sql as 'select 3'; alter function require(int) owner to ${stranger}`,
  )
  const dir = await folder({ '1_a.sql': 'create table a ();' })
  const options = as(database.url, dir, { SCHEMAGATE_SCHEMA: 'public', SCHEMAGATE_ON_FOREIGN_TABLES: 'run' })
  for (const name of ['1_a', '2_b']) {
    await write(dir, { [`${name}.sql`]: `create table "${name}" ();` })
    const result = await schemagate(['up'], options)
    expect(result.code, result.stdout).toBe(0)
  }
  const { rows } = await database.query('select begin_migration(1) as a, record_applied() as b, require(1) as c')
  expect(rows).toEqual([{ a: 1, b: 2, c: 3 }])
})

/** The statements that a refusal names as the way out. */
function handingOver({ lines }: CliResult, owner: string): string {
  const message = String(lines.find(({ level }) => level === 'error')?.msg)
  expect(message).toContain(`belongs to role ${owner}`)
  return /a member of both: (.*) \(or reassign/s.exec(message)?.[1] ?? ''
}

test("a migration's own text is among the first bytes of what the server shows of it", async ({ database }) => {
  const name = `1_${'long_'.repeat(40)}name`
  const mark = randomUUID()
  const dir = await folder({ [`${name}.sql`]: `select '${mark}', pg_sleep(60);` })
  const run = start(
    ['up'],
    as(database.url, dir, { SCHEMAGATE_APP_ROLE: database.role('app'), SCHEMAGATE_APP_PASSWORD: 'secret for the app' }),
  )
  await untilItRuns(database, new RegExp(mark))
  const { rows } = await database.query<{ at: number }>(
    `select position($1 in query) as at from pg_stat_activity
      where query like $2 and datname = current_database() and pid <> pg_backend_pid()`,
    [mark, '%pg_sleep(60)%'],
  )
  expect(rows).toHaveLength(1)
  expect(rows[0]!.at).toBeGreaterThan(0)
  expect(rows[0]!.at).toBeLessThan(600)
  run.kill('SIGTERM')
  expect((await run.ended).code).toBe(143)
})
