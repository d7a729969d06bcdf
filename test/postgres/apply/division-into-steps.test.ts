// Files that cannot run in one transaction: divided no more than they must be, meaning what they meant in one, and gone
// on with as they were begun.

import { createHash } from 'node:crypto'
import { describe, expect } from 'vitest'
import { createMigrator, type RunResult } from '../../../migrator/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

const tally =
  'create table tally (step text); create table parts (i int) partition by range (i); create index parts_i on parts (i);'
const count = (step: string) => `insert into tally values ('${step}');`

async function steps(database: ScratchDatabase): Promise<string[]> {
  return (await database.query('select step from tally order by step')).rows.map(row => row.step)
}

/** How many transactions wrote to the table. */
async function transactions(database: ScratchDatabase, table = 'tally'): Promise<number> {
  const { rows } = await database.query(`select count(distinct xmin::text)::int as n from ${table}`)
  return rows[0]!.n
}

async function up(database: ScratchDatabase, files: Readonly<Record<string, string>>): Promise<RunResult> {
  return createMigrator({ databaseUrl: database.url, dir: await folder(files), lockTimeout: 500 }).up()
}

describe('a file that only the server sends into steps goes on in them', () => {
  const label = `${count('1')}\nalter type mood add value 'sad';\ninsert into moods values ('sad');\n${count('2')}\n`
  for (const [what, base, done, rest] of [
    ['a new enum value that is used', "create type mood as enum ('ok'); create table moods (m mood);", label, ''],
    ['REINDEX of a partitioned table', 'select 1;', `${count('1')}\nreindex table parts;\n`, count('2')],
    [
      'a procedure that commits',
      `create procedure p() language plpgsql as $$ begin ${count('1')} commit; end $$;`,
      'call p();\n',
      count('2'),
    ],
  ] as const)
    test(what, async ({ database }) => {
      const text = (last: string) => `${done}select pg_sleep(0);\nreindex table parts;\n${rest}\n${last}`
      const dir = await folder({ '1_base.sql': tally + base, '2_x.sql': text('select 1 / 0;') })
      const migrator = createMigrator({ databaseUrl: database.url, dir })
      const failed = await migrator.up()
      expect(failed.exitCode, failed.error?.message).toBe(5)
      expect(failed.error?.message).toMatch(/22012.*are done and stay; the next run goes on at step/s)
      // again and again, and then corrected: what is done is not done twice
      expect((await migrator.up()).exitCode).toBe(5)
      await write(dir, { '2_x.sql': text(count('3')) })
      expect(await migrator.up()).toMatchObject({ exitCode: 0 })
      expect(await steps(database)).toEqual(['1', '2', '3'])
      const { rows } = await database.query("select state, journal from schemagate.ledger where name = '2_x'")
      expect(rows).toEqual([{ state: 'applied', journal: null }])
    })

  test('also on the way back', async ({ database }) => {
    const down = (last: string) => `-- migrate:up\n-- migrate:down\n${count('1')}\nreindex table parts;\n${last}\n`
    const dir = await folder({ '1_base.sql': tally, '2_x.sql': down('select 1 / 0;') })
    const migrator = createMigrator({ databaseUrl: database.url, dir })
    expect(await migrator.up()).toMatchObject({ exitCode: 0 })
    const failed = await migrator.down({ confirmed: true })
    expect(failed.exitCode).toBe(5)
    expect(failed.error?.message).toMatch(/The first 2 of 3 steps of 2_x are done.*schemagate down --yes/s)
    expect((await migrator.down({ confirmed: true })).exitCode).toBe(5)
    expect(await steps(database)).toEqual(['1'])
  })
})

describe('what schemagate 0.1 began, a step for each statement, goes on in that division', () => {
  const short = (sql: string) => createHash('sha256').update(sql).digest('hex').slice(0, 16)
  const text = (last: string) =>
    `-- x\nset lock_timeout = 0;\ninsert into tally values ('1'); -- one\nbegin;\n${count('2')}\n/* two */ ${count('3')}\ncommit;\nvacuum tally;\n${last}`
  // 0.1 joined the statements of a block with their own distances
  const block = `insert into tally values ('2');${' '.repeat('\n/* two */ '.length)}insert into tally values ('3')`
  for (const [what, journal, last, expected] of [
    [
      'with steps done',
      { done: [short("insert into tally values ('1')"), short(block)] },
      count('4'),
      ['1', '2', '3', '4'],
    ],
    [
      'with a statement begun that commits by itself',
      {
        done: [short("insert into tally values ('1')"), short(block)],
        started: { step: 2, checksum: short('vacuum tally') },
      },
      count('4'),
      ['1', '2', '3', '4'],
    ],
    ['with nothing done', { done: [] }, count('4'), ['1', '1', '2', '2', '3', '3', '4']],
    ['with a done step that was edited', { done: [short('something else')] }, count('4'), undefined],
  ] as const)
    test(what, async ({ database }) => {
      const dir = await folder({ '1_base.sql': tally })
      const migrator = createMigrator({ databaseUrl: database.url, dir })
      expect(await migrator.up()).toMatchObject({ exitCode: 0 })
      await database.query("insert into tally values ('1'), ('2'), ('3')")
      await database.query(
        `insert into schemagate.ledger (name, checksum, position, kind, state, run_id, tool_version, journal)
         values ('2_x', 'another', 2, 'sql', 'running', gen_random_uuid(), '0.1.0', $1)`,
        [JSON.stringify(journal)],
      )
      await write(dir, { '2_x.sql': text(last) })
      const result = await migrator.up()
      if (expected === undefined) {
        expect(result.exitCode).toBe(6)
        expect(result.error?.message).toContain('step 1, which is already done')
        return
      }
      expect(result.exitCode, result.error?.message).toBe(0)
      expect(await steps(database)).toEqual(expected)
    })
})

describe('what needs no step of its own stays together with its neighbours', () => {
  for (const [what, text, expected] of [
    [
      'around CREATE INDEX CONCURRENTLY',
      `${count('1')}${count('2')}create index concurrently on tally (step);${count('3')}${count('4')}`,
      2,
    ],
    ['behind a COMMIT of its own', `${count('1')}\nCOMMIT;\nBEGIN;\n${count('2')}${count('3')}`, 2],
    ['with a COMMIT at its end', `${count('1')}${count('2')}COMMIT;`, 1],
    ['between a COMMIT and what follows', `${count('1')}commit;${count('2')}${count('3')}`, 2],
    ['unless each is asked for', `-- migrate:up transaction:false\n${count('1')}${count('2')}${count('3')}`, 3],
  ] as const)
    test(what, async ({ database }) => {
      const result = await up(database, { '1_base.sql': tally, '2_x.sql': text })
      expect(result.exitCode, result.error?.message).toBe(0)
      expect(await transactions(database)).toBe(expected)
    })

  test('and fails together with them', async ({ database }) => {
    const text = `${count('1')}create index concurrently on tally (step);${count('2')}${count('3')}select 1 / 0;`
    expect((await up(database, { '1_base.sql': tally, '2_x.sql': text })).exitCode).toBe(5)
    expect(await steps(database)).toEqual(['1'])
  })
})

describe('what a file sets for its transaction holds to its end, however it is divided', () => {
  const schemas = `create role ROLE; create schema app; create schema other; grant all on schema app, other to ROLE;
    create table app.t (i int); create table other.t (i int); set search_path = other;
    create table app.log (who text, path text, replica text);
    grant all on app.log to ROLE;`
  const look =
    "insert into app.log select current_user, current_setting('search_path'), current_setting('session_replication_role');"
  for (const [what, set, expected] of [
    ['SET LOCAL', 'set local search_path to app;', { path: 'app' }],
    ['SET LOCAL with a comment', 'set /* here */ local search_path to app;', { path: 'app' }],
    ['set_config(..., true)', "select set_config('search_path', 'app', true);", { path: 'app' }],
    [
      'set_config of several',
      "select pg_catalog.set_config('search_path', 'app', 'on'), set_config('work_mem', '8MB', false);",
      { path: 'app' },
    ],
    ['SET LOCAL ROLE', 'set local role ROLE;', { who: 'ROLE' }],
    ['SET LOCAL session_replication_role', 'set local session_replication_role = replica;', { replica: 'replica' }],
    ['a later one', 'set local search_path to other; set local search_path to app;', { path: 'app' }],
    [
      'one that a savepoint took back',
      'set local search_path to app; savepoint a; set local search_path to other; rollback to a; release a;',
      { path: 'app' },
    ],
    ['SET for the session', 'set search_path to app;', { path: 'app' }],
  ] as const)
    for (const [how, divider] of [
      ['by its text', 'create index concurrently t_i on app.t (i);'],
      ['by the server', "alter type app.mood add value 'sad'; insert into app.moods values ('sad');"],
    ] as const)
      test(`${what}, ${how}`, async ({ database }) => {
        const role = database.role('owner')
        const named = (sql: string) => sql.replaceAll('ROLE', role)
        const result = await up(database, {
          '1_base.sql': `${named(schemas)} create type app.mood as enum ('ok'); create table app.moods (m app.mood); grant all on app.moods to ${role}; ${how === 'by the server' ? `alter type app.mood owner to ${role};` : `alter table app.t owner to ${role};`}`,
          '2_x.sql': `${named(set)}\n${look}\n${divider}\n${look}\n`,
        })
        expect(result.exitCode, result.error?.message).toBe(0)
        const { rows } = await database.query('select who, path, replica from app.log')
        const wanted = Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, named(value)]))
        expect(rows).toMatchObject([wanted, wanted])
        expect(await transactions(database, 'app.log')).toBe(2)
      })

  test('for a statement that runs by itself, too', async ({ database }) => {
    const result = await up(database, {
      '1_base.sql': 'create schema hello; create table hello.b (i int); create table public.b (i int);',
      '2_index.sql': 'set local search_path to hello;\ncreate index concurrently b_i on b (i);\n',
    })
    expect(result.exitCode, result.error?.message).toBe(0)
    const { rows } = await database.query("select schemaname as schema from pg_indexes where indexname = 'b_i'")
    expect(rows).toEqual([{ schema: 'hello' }])
  })

  test.for([
    ['RESET ROLE', 'set role ROLE;', 'reset role;'],
    ['SET ROLE NONE', 'set role ROLE;', 'set role none;'],
    ['RESET SESSION AUTHORIZATION', 'set session authorization ROLE; set role ROLE;', 'reset session authorization;'],
    ['SET SESSION AUTHORIZATION DEFAULT', 'set session authorization ROLE;', 'set session authorization default;'],
  ])('but not a role that %s took back: it may be gone', async ([, set, reset], { database }) => {
    const role = database.role('gone')
    const user = `create role ROLE; grant create on schema public to ROLE; ${set} create table t (i int); ${reset}
      drop owned by ROLE; drop role ROLE; ${tally}`.replaceAll('ROLE', role)
    const divided = 'create index concurrently on tally (step); insert into tally select current_user;'
    const result = await up(database, {
      '1_text.sql': `${user} ${divided}`,
      '2_each.sql': `-- migrate:up transaction:false\ndrop table tally, parts; ${user} ${divided}`,
    })
    expect(result.exitCode, result.error?.message).toBe(0)
    const { rows } = await database.query('select current_user as me')
    expect(await steps(database)).toEqual([rows[0]!.me])
  })

  test('but not behind the COMMIT that its author wrote, nor where each statement is its own', async ({ database }) => {
    const base = 'create schema app; create table app.t (i int); create table public.t (i int);'
    const result = await up(database, {
      '1_base.sql': base,
      '2_commit.sql':
        'set local search_path to app;\ninsert into t values (1);\ncommit;\nbegin;\ninsert into t values (2);\n',
      '3_each.sql': '-- migrate:up transaction:false\nset local search_path to app;\ninsert into t values (3);\n',
    })
    expect(result.exitCode, result.error?.message).toBe(0)
    expect((await database.query('select i from app.t')).rows).toEqual([{ i: 1 }])
    expect((await database.query('select i from public.t order by i')).rows).toEqual([{ i: 2 }, { i: 3 }])
  })
})

describe('what cannot be kept over a division is refused, with nothing done', () => {
  const base = `${tally} create type mood as enum ('ok'); create table moods (m mood, c int unique deferrable);`
  for (const [what, sql, reason] of [
    ['LOCK', 'lock table moods in access exclusive mode;', 'LOCK holds until'],
    ['ON COMMIT DROP', 'create temp table x (i int) on commit drop;', 'ON COMMIT DROP drops'],
    [
      'ON COMMIT DELETE ROWS',
      'create temporary table x on commit delete rows as select 1;',
      'ON COMMIT DELETE ROWS empties',
    ],
    ['SET CONSTRAINTS', 'set constraints all deferred;', 'SET CONSTRAINTS'],
    ['an advisory lock', 'select pg_advisory_xact_lock(1);', 'advisory lock'],
    [
      'a setting in a body',
      "do $$ begin perform set_config('search_path', 'public', true); end $$;",
      'does not show what it sets for its transaction',
    ],
    [
      'a computed setting',
      "select set_config('work_mem', '8MB', i = 1) from generate_series(1, 1) i;",
      'does not show what it sets for its transaction',
    ],
  ] as const)
    for (const [how, divider] of [
      ['by its text', 'create index concurrently on moods (m);'],
      ['by the server', "alter type mood add value 'sad';\ninsert into moods values ('sad');"],
    ] as const)
      test(`${what}, ${how}`, async ({ database }) => {
        const result = await up(database, { '1_base.sql': base, '2_x.sql': `${count('1')}\n${sql}\n${divider}\n` })
        expect(result.exitCode, result.error?.message).toBe(2)
        expect(result.error).toMatchObject({ place: { line: 2 } })
        expect(result.error?.message).toMatch(new RegExp(`2_x.sql, line 2: .*${reason}.*separate migrations`))
        const { rows } = await database.query("select to_regclass('tally') is not null as made")
        if (rows[0]!.made) expect(await steps(database)).toEqual([])
        const ledger = await database.query("select count(*)::int as n from pg_tables where schemaname = 'schemagate'")
        if (ledger.rows[0]!.n > 0)
          expect((await database.query("select name from schemagate.ledger where name = '2_x'")).rows).toEqual([])
      })

  test('a savepoint or a cursor that is asked for behind one', async ({ database }) => {
    const divider = 'create index concurrently on moods (m);'
    for (const [first, later, message] of [
      ['savepoint a;', 'rollback to a;', 'the savepoint a is gone'],
      ['declare c cursor for select 1;', 'fetch c;', 'the cursor c is gone'],
    ]) {
      const result = await up(database, { '1_base.sql': base, '2_x.sql': `${first}\n${divider}\n${later}\n` })
      expect(result.exitCode, result.error?.message).toBe(2)
      expect(result.error?.message).toContain(message)
    }
  })

  test('where nothing stands behind it, it is run', async ({ database }) => {
    const text = `create index concurrently on moods (m);\nlock table moods;\ncreate temp table x (i int) on commit drop;\ninsert into x values (1);\n${count('1')}`
    const result = await up(database, { '1_base.sql': base, '2_x.sql': text })
    expect(result.exitCode, result.error?.message).toBe(0)
    expect(await steps(database)).toEqual(['1'])
  })
})

describe('a BEGIN or COMMIT that does not fit', () => {
  for (const [what, text, message, line] of [
    ['a ROLLBACK without BEGIN', `${count('1')}\nrollback;\n${count('2')}`, 'this ROLLBACK ends no transaction', 2],
    [
      'a BEGIN that is never ended, behind a COMMIT',
      `-- migrate:up transaction:false\n${count('1')}\ncommit;\nbegin;\n${count('2')}`,
      'or remove BEGIN and the COMMIT before it',
      4,
    ],
    // not this grammar's SQL: what ends the transaction in it is found all the same
    [
      'one that cannot be read',
      `selct 1;\n${count('1')}\ncommit and then some;\n`,
      '`commit and then some` looks like',
      3,
    ],
  ] as const)
    test(what, async ({ database }) => {
      const result = await up(database, { '1_base.sql': tally, '2_x.sql': text })
      expect(result.exitCode, result.error?.message).toBe(2)
      expect(result.error).toMatchObject({ place: { line } })
      expect(result.error?.message).toContain(message)
    })
})

describe("what the server refuses inside the file's own transaction fails, as in psql", () => {
  for (const [what, text, message] of [
    [
      'a VACUUM',
      'begin;\nvacuum tally;\ncommit;',
      /2_x\.sql:2:1: VACUUM cannot run inside a transaction block \(25001\)/,
    ],
    ['one behind another', 'vacuum tally;\nbegin;\nvacuum tally;\ncommit;', /2_x\.sql:3:1: VACUUM cannot run/],
    [
      'one in a transaction that is chained',
      'begin;\ncommit and chain;\nvacuum tally;\ncommit;',
      /2_x\.sql:3:1: VACUUM/,
    ],
    ['REINDEX of a partitioned table', 'vacuum tally;\nbegin;\nreindex table parts;\ncommit;', /2_x\.sql:3:1: REINDEX/],
    ['a procedure that commits', 'vacuum tally;\nbegin;\ncall p();\ncommit;', /2_x\.sql:3:1: .*\(2D000\)/],
    ['one that is rolled back', 'vacuum tally;\nbegin;\ncall p();\nrollback;', /2_x\.sql:3:1: .*\(2D000\)/],
  ] as const)
    test(what, async ({ database }) => {
      const procedure = 'create procedure p() language plpgsql as $$ begin commit; end $$;'
      const result = await up(database, { '1_base.sql': tally + procedure, '2_x.sql': `${text}\n` })
      expect(result.exitCode, result.error?.message).toBe(5)
      expect(result.error?.message).toMatch(message)
    })
})
