// What a database's owner does to the ledger without meaning it: row level security, event triggers, other owners, names.

import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

const first = { '1_a.sql': 'create table a ();' }

/** A role that owns the database and is no superuser: FORCE ROW LEVEL SECURITY holds for it. */
async function owner(database: ScratchDatabase): Promise<string> {
  const role = database.role('owner')
  await database.query(`create role ${role} login password 'pw'; alter database ${database.name} owner to ${role}`)
  return role
}

const as = (url: string, dir: string) => ({ env: { DATABASE_URL: url, SCHEMAGATE_DIR: dir } })

async function secured(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'schemagate'::regnamespace and (relrowsecurity or relforcerowsecurity)`,
  )
  return rows.map(row => row.name)
}

describe('row level security', () => {
  const onEveryNewTable = `create function public.rls_all() returns event_trigger language plpgsql as $$
    declare o record; begin
      for o in select * from pg_event_trigger_ddl_commands() where command_tag in ('CREATE TABLE', 'CREATE TABLE AS') loop
        execute format('alter table %s enable row level security, force row level security', o.object_identity);
      end loop; end $$;
    create event trigger rls_all on ddl_command_end when tag in ('CREATE TABLE', 'CREATE TABLE AS') execute function public.rls_all()`
  const onEveryTable = `do $$ declare t record; begin
    for t in select schemaname, tablename from pg_tables where schemaname !~ '^pg_|information_schema' loop
      execute format('alter table %I.%I enable row level security, force row level security', t.schemaname, t.tablename);
    end loop; end $$;`

  test('that an event trigger switches on for every new table is off for the ledger', async ({ database }) => {
    await database.query(onEveryNewTable)
    const reader = database.role('reader')
    await database.query(`create role ${reader} login password 'pw'`)
    const dir = await folder(first)
    const run = await schemagate(['up'], as(database.url, dir))
    expect(run.code, run.stdout).toBe(0)
    expect(run.stdout).toContain('row level security was switched on for schemagate.ledger')
    expect(await secured(database)).toEqual([])
    await database.query(
      `grant usage on schema schemagate to ${reader}; grant select on schemagate.ledger to ${reader}`,
    )
    const app = await database.connect({ user: reader, password: 'pw' })
    expect((await app.query("select schemagate.require('1_a') as fits")).rows).toEqual([{ fits: true }])
  })

  for (const [how, before, after] of [
    ['in a transaction', '', ''],
    ['in steps', '-- migrate:up transaction:false\ncreate table b ();\n', '\ncreate table c ();'],
  ] as const)
    test(`that a migration switches on for all tables, ${how}, hides no row of the ledger`, async ({ database }) => {
      const role = await owner(database)
      const dir = await folder({
        ...first,
        '2_rls.sql': `${before}${onEveryTable}${after}`,
        '3_d.sql': 'create table d ();',
      })
      const options = as(database.urlFor(role, 'pw'), dir)
      const run = await schemagate(['up'], options)
      expect(run.code, run.stdout).toBe(0)
      expect(await secured(database)).toEqual([])
      expect((await schemagate(['up'], options)).stdout).toContain('nothing to do')
      const { rows } = await database.query('select name, state from schemagate.ledger order by position')
      expect(rows).toEqual(['1_a', '2_rls', '3_d'].map(name => ({ name, state: 'applied' })))
    })

  test('that was switched on by hand is named by check and status, told by require, and put right by up', async ({
    database,
  }) => {
    const role = await owner(database)
    const reader = database.role('reader')
    const dir = await folder(first)
    const options = as(database.urlFor(role, 'pw'), dir)
    expect((await schemagate(['up'], options)).code).toBe(0)
    await database.query(`create role ${reader} login password 'pw';
      grant usage on schema schemagate to ${reader}; grant select on schemagate.ledger to ${reader}`)
    const app = await database.connect({ user: reader, password: 'pw' })
    for (const [force, code] of [
      ['', 7],
      [', force row level security', 9],
    ] as const) {
      await database.query(`alter table schemagate.ledger enable row level security${force}`)
      const check = await schemagate(['check'], options)
      expect(check.code).toBe(code)
      expect(check.stderr).toContain('Row level security is switched on for schemagate.ledger')
      expect((await schemagate(['status', '--exit-code'], options)).code).toBe(code)
      for (const ask of [
        `require('1_a')`,
        `require('{"version": 1, "migrations": [{"name": "1_a", "checksum": "x"}]}'::jsonb)`,
      ])
        await expect(app.query(`select schemagate.${ask}`)).rejects.toMatchObject({
          code: 'SG007',
          message: expect.stringContaining('hidden: row level security'),
        })
      const up = await schemagate(['up'], options)
      expect(up.code, up.stdout).toBe(0)
      expect(up.stdout).toContain('switched it off')
      expect(await secured(database)).toEqual([])
      expect((await schemagate(['check'], options)).code).toBe(0)
    }
  })
})

describe('what the database refuses of our own statements is told with the statement and the function', () => {
  const guard = (name: string, tag: string, body: string) => `
    create function public.${name}() returns event_trigger language plpgsql as $$ begin ${body} end $$;
    create event trigger ${name} on ddl_command_start when tag in ('${tag}') execute function public.${name}()`
  for (const [what, sql, statement, says] of [
    [
      'a guard on CREATE SCHEMA',
      guard('no_schemas', 'CREATE SCHEMA', `raise 'no schemas here';`),
      'create schema if not exists "schemagate"',
      'no schemas here',
    ],
    [
      'a naming rule on CREATE TABLE',
      guard('named_well', 'CREATE TABLE', `raise insufficient_privilege using message = 'tables are named t_*';`),
      'create table if not exists "schemagate".ledger',
      'tables are named t_*',
    ],
    [
      'an audit trigger whose table is gone',
      guard('audit_ddl', 'CREATE FUNCTION', 'insert into nowhere.audit values (1);'),
      'create or replace function "schemagate".tell_gates()',
      'nowhere.audit',
    ],
  ] as const)
    test(what, async ({ database }) => {
      await database.query(sql)
      const run = await schemagate(['up'], as(database.url, await folder(first)))
      expect(run.code).toBe(9)
      expect(run.stdout).toContain(says)
      expect(run.stdout).toContain(JSON.stringify(`statement: ${statement}`).slice(1, -1))
      expect(run.stdout).toMatch(/It comes from (public\.)?(no_schemas|named_well|audit_ddl)\(\)/)
      expect(run.stdout).not.toContain('bug')
    })

  test("a trigger of somebody's on the ledger, behind a migration's SQL", async ({ database }) => {
    const dir = await folder(first)
    expect((await schemagate(['up'], as(database.url, dir))).code).toBe(0)
    await database.query(`create function public.frozen() returns trigger language plpgsql as $$ begin raise 'frozen'; end $$;
      create trigger frozen before insert on schemagate.ledger for each row execute function public.frozen()`)
    await write(dir, { '2_b.sql': 'create table b ();' })
    const run = await schemagate(['up'], as(database.url, dir))
    expect(run.code).toBe(5)
    expect(run.stdout).toContain(`at a statement of schemagate's own, after the file's: call`)
    expect(run.stdout).toContain('insert into')
    expect(run.stdout).toContain('function frozen()')
    expect(run.stdout).not.toContain('deferred')
  })

  test("what stands before a migration's SQL", async ({ database }) => {
    const owner = database.role('owner')
    await database.query(
      `create role ${owner} login password 'pw'; grant create on database ${database.name} to ${owner}`,
    )
    const dir = await folder({ '1_a.sql': 'create schema mine;' })
    const options = as(database.urlFor(owner, 'pw'), dir)
    expect((await schemagate(['up'], options)).code).toBe(0)
    await database.query(`revoke execute on all procedures in schema schemagate from public, ${owner}`)
    await write(dir, { '2_b.sql': 'create table mine.b ();' })
    const run = await schemagate(['up'], options)
    expect(run.code).toBe(5)
    expect(run.stdout).toContain(`at a statement of schemagate's own, before the file's: call`)
    expect(run.stdout).not.toMatch(/COMMIT|deferred/)
  })
})

describe("a ledger's tables", () => {
  for (const table of ['ledger', 'manifest', 'runs'])
    test(`named ${table} that are somebody else's are named, and nothing is done`, async ({ database }) => {
      await database.query(`create table public.${table} (id int, amount numeric)`)
      const options = { env: { ...as(database.url, await folder(first)).env, SCHEMAGATE_SCHEMA: 'public' } }
      for (const command of ['up', 'check', 'status']) {
        const run = await schemagate([command], options)
        expect(run.code, command).toBe(2)
        expect(run.stdout + run.stderr).toContain(`public.${table} is not schemagate's`)
      }
      const { rows } = await database.query(
        "select relname from pg_class where relname in ('a', 'ledger', 'manifest', 'runs')",
      )
      expect(rows).toEqual([{ relname: table }])
    })

  test('that belong to another role are named with it, and with the way out', async ({ database }) => {
    const [a, b] = [database.role('a'), database.role('b')]
    await database.query(`create role ${a}; create role ${b} login noinherit password 'pw';
      grant create on database ${database.name} to ${a}, ${b}; grant ${a} to ${b}`)
    await database.query(`grant create on schema public to ${a}, ${b}`)
    const dir = await folder(first)
    const byB = database.urlFor(b, 'pw')
    const byA = `${byB}?options=-c%20role%3D${a}`
    const steps =
      '-- migrate:up transaction:false\ncreate table b ();\nset work_mem = 99999;\ncreate index concurrently i on a ((1));'
    await write(dir, { '2_steps.sql': steps, '3_c.mjs': "export const up = ({ query }) => query('create table c ()')" })
    // from the first run on
    const up = await schemagate(['up'], as(byA, dir))
    expect(up.code, up.stdout).toBe(0)
    const { rows } = await database.query(
      'select distinct relowner::regrole::text as owner from pg_class where relname = any($1)',
      [['ledger', 'manifest', 'runs', 'a', 'b', 'c', 'i']],
    )
    expect(rows).toEqual([{ owner: a }])

    await write(dir, { '4_d.sql': 'create table d ();' })
    for (const command of ['check', 'up']) {
      const run = await schemagate([command], as(byB, dir))
      expect(run.code).toBe(9)
      expect(run.stdout + run.stderr).toContain(`belongs to role ${a}, and role ${b} may not read it`)
      expect(run.stdout + run.stderr).toContain(`grant usage on schema \\"schemagate\\" to \\"${b}\\"`)
    }
    // what the message says; the table of runs may hold texts of errors
    await database.query(
      `grant usage on schema schemagate to ${b}; grant select on schemagate.ledger, schemagate.ledger_version, schemagate.manifest to ${b}`,
    )
    expect((await schemagate(['check'], as(byB, dir))).code).toBe(7)
    const refused = await schemagate(['up'], as(byB, dir))
    expect(refused.code).toBe(9)
    expect(refused.stdout).toContain(`belongs to role ${a}, and this run is by role ${b}`)
    expect(refused.stdout).toContain(`Run as ${a}`)

    await database.query(`alter role ${b} set role = ${a}`)
    expect((await schemagate(['up'], as(byB, dir))).code).toBe(0)
    expect(
      (await database.query("select relowner::regrole::text as owner from pg_class where relname = 'd'")).rows,
    ).toEqual([{ owner: a }])
  })
})
