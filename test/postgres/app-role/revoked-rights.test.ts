// Rights of the app's role on what migrations make: given when it is made, and never given back once they were taken.

import { expect } from 'vitest'
import { test } from '../../helpers/database.ts'
import { attempt, DENIED, type Files, type Owned, owned } from './fixtures.ts'

/** Migrations that make and take in every way, each with what the app may do in the end. */
const folder: readonly (readonly [file: string, sql: string, rights: readonly string[]])[] = [
  [
    '01_plain.sql',
    'create table plain (id serial primary key); create view v as select 1 as one',
    ['plain: rwad', 'plain_id_seq: rUw', 'v: rwad'],
  ],
  ['02_same_file.sql', 'create table audit (i int); revoke update, delete on audit from @app', ['audit: ra']],
  ['03_secret.sql', 'create table secret (i int)', []],
  ['04_revoke.sql', 'revoke all on secret from @app; revoke insert on v from @app', []],
  [
    '05_columns.sql',
    'create table people (id int, pw text); revoke select on people from @app; grant select (id) on people to @app',
    ['people: awd', 'people.id: r'],
  ],
  [
    '06_schema.sql',
    'create schema vault; create table vault.k (v text); revoke delete on vault.k from @app; grant select on vault.k to @other',
    ['vault: U', 'vault.k: raw'],
  ],
  [
    '07_hidden.sql',
    'create schema hidden; create table hidden.t (i int); revoke usage on schema hidden from @app',
    ['hidden.t: rwad'],
  ],
  ['08_hidden_more.sql', 'create table hidden.u (i int)', []],
  [
    '09_defaults.sql',
    'alter default privileges in schema public revoke insert, update, delete on tables from @app; create table read_only (i int)',
    ['read_only: r'],
  ],
  [
    '10_still.sql',
    'create schema "New One"; create table "New One".t (i int); create table vault.more (i int)',
    ['"New One".t: rwad', 'New One: U', 'vault.more: rwad'],
  ],
  ['11_read_only_too.sql', 'create table read_only_too (i int)', ['read_only_too: r']],
  [
    '12_dynamic.sql',
    `do $$ begin execute 'create sch' || 'ema made'; execute 'create table made.t (i int)'; end $$`,
    ['made: U', 'made.t: rwad'],
  ],
  [
    '13_other_owner.sql',
    'grant all on schema vault to @other; set role @other; create table vault.by_other (i int)',
    ['vault.by_other: rwad'],
  ],
  [
    '14_taken_from_other.sql',
    'set role @other; create table vault.by_other_secret (i int); revoke all on vault.by_other_secret from @app; alter table vault.by_other add j int',
    [],
  ],
  [
    '15_function.sql',
    `create function danger() returns int language sql security definer as 'select 1'; revoke execute on function danger() from public`,
    [],
  ],
  [
    '16_granted.sql',
    `create function asked() returns int language sql as 'select 1'; revoke execute on function asked() from public; grant execute on function asked() to @app; grant truncate on plain to @app`,
    ['asked(): X'],
  ],
  ['17_public_closed.sql', 'revoke all on schema public from public', ['public: U']],
  ['18_renamed.sql', 'alter schema hidden rename to hidden_now; create table hidden_now.w (i int)', []],
  [
    '19_code.ts',
    `export async function up({ query }) { await query('create schema coded'); await query('create table coded.t (i int)') }`,
    ['coded: U', 'coded.t: rwad'],
  ],
  [
    '20_steps.sql',
    'create table stepped (i int); create index concurrently on stepped (i); revoke select on stepped from @app',
    [],
  ],
  [
    '21_own_global.sql',
    'create schema last; create table last.t (i int); create table last.u (i int); revoke select on last.u from @app',
    ['last: U', 'last.t: rwad', 'last.u: awd'],
  ],
]

const sorted = (lines: readonly string[]) => lines.toSorted()

const expected = () =>
  sorted(
    folder
      .flatMap(([, , rights]) => rights)
      .map(line =>
        line
          .replace('plain: rwad', 'plain: rwadD')
          .replace('v: rwad', 'v: rwd')
          .replace(/^hidden\./, 'hidden_now.'),
      ),
  )

async function prepared(owner: Owned) {
  await owner.query(owner.named('create role @other; grant @other to @owner'))
}

test('one folder gives the same rights at once and file by file', { timeout: 120_000 }, async ({ createDatabase }) => {
  const [once, often] = [await owned(await createDatabase()), await owned(await createDatabase())]
  const files: Files = Object.fromEntries(folder.map(([file, sql]) => [file, sql]))
  await prepared(once)
  await prepared(often)
  expect(await once.up(files)).toMatchObject({ exitCode: 0, outcome: 'applied' })
  for (const [file, sql] of folder)
    expect(await often.up({ [file]: sql })).toMatchObject({ exitCode: 0, outcome: 'applied' })
  const normalised = (lines: string[]) =>
    sorted(lines.map(line => line.replace(/: (.*)/, (_, r: string) => `: ${order(r)}`)))
  expect(normalised(await once.rights())).toEqual(
    sorted(expected().map(line => line.replace(/: (.*)/, (_, r: string) => `: ${order(r)}`))),
  )
  expect(await often.acls()).toBe(await once.acls())
  const acls = await once.acls()
  await once.up({})
  expect(await once.acls()).toBe(acls)
})

const order = (rights: string) => [...rights].toSorted().join('')

/** Each kind of taking away, on objects of its own. */
const taken: readonly (readonly [kind: string, make: string, revoke: string, probe: string])[] = [
  ['a right', 'create table a (i int)', 'revoke update on a from @app', 'update a set i = 1'],
  ['a table', 'create table b (i int)', 'revoke all on b from @app', 'select from b'],
  ['a schema', 'create schema c; create table c.t (i int)', 'revoke all on schema c from @app', 'select from c.t'],
  [
    'all of a schema',
    'create schema d; create table d.t (i int)',
    'revoke insert on all tables in schema d from @app',
    'insert into d.t values (1)',
  ],
  [
    'a column',
    'create table e (i int, j int)',
    'revoke select on e from @app; grant select (j) on e to @app',
    'select i from e',
  ],
  ['a sequence', 'create sequence f', 'revoke all on sequence f from @app', `select nextval('f')`],
  [
    'a function',
    `create function g() returns int language sql as 'select 1'`,
    'revoke execute on function g() from public',
    'select g()',
  ],
  ['a view', 'create view h as select 1 as one', 'revoke select on h from @app', 'select from h'],
  ['a type', `create type i as enum ('x')`, 'revoke usage on type i from public', 'create temp table tt (i i)'],
  [
    'what comes',
    'create schema j',
    'alter default privileges in schema j revoke select on tables from @app; create table j.t (i int)',
    'select from j.t',
  ],
  [
    'a partition',
    'create table k (i int) partition by range (i); create table k1 partition of k for values from (1) to (9)',
    'revoke all on k1 from @app',
    'select from k1',
  ],
]

test.for(['by a migration', 'by hand'] as const)('what is taken away %s stays away', async (by, { database }) => {
  const own = await owned(database)
  await own.up({ '1_a.sql': taken.map(([, make]) => make).join(';\n') })
  const as = await own.connect()
  const revokes = taken.map(([, , revoke]) => revoke).join(';\n')
  if (by === 'by a migration') await own.up({ '2_b.sql': revokes })
  else await (await own.connectOwner()).query(own.named(revokes))
  const denied = taken.map(([kind]) => [kind, DENIED])
  const probe = async () => {
    const results: [string, string][] = []
    for (const [kind, , , sql] of taken) results.push([kind, await attempt(as, sql)])
    return results
  }
  expect(await probe()).toEqual(denied)
  expect(await own.up({})).toMatchObject({ exitCode: 0, outcome: 'nothing-to-do' })
  expect(
    await own.up({ '3_c.sql': 'create table later (i int); create schema z; create table c.more (i int)' }),
  ).toMatchObject({ exitCode: 0 })
  expect(await probe()).toEqual(denied)
  expect(await attempt(as, 'select from later')).toBe('done')
})

test('a run that fails leaves the role without login, and what it undid gives no rights', async ({ database }) => {
  const own = await owned(database)
  const broken = {
    '1_a.sql': 'create schema s; create table s.t (i int)',
    '2_b.sql': 'create schema x; create table x.t (i int); select 1/0',
  }
  // the second time the role is there
  for (let time = 0; time < 2; time++) {
    expect(await own.up(broken)).toMatchObject({ exitCode: 5 })
    await expect(own.connect()).rejects.toMatchObject({ code: '28P01' })
  }
  expect(await own.up({ '2_b.sql': 'create schema x; create table x.t (i int)' })).toMatchObject({ exitCode: 0 })
  const as = await own.connect()
  expect(await attempt(as, 'select from s.t; select from x.t')).toBe('done')
})

test('the log says what was given on what', async ({ database }) => {
  const own = await owned(database)
  const { told } = await own.up({ '1_a.sql': 'create table a (i int)' })
  expect(told).toContainEqual(
    expect.stringMatching(/was given: .*schema public \(usage\).*table public.a \(delete, insert, select, update\)/),
  )
})
