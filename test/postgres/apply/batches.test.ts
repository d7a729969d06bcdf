// `context.batch`: what it goes over, in which order, and what it refuses.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'

function run(database: ScratchDatabase, dir: string, ...args: string[]) {
  return schemagate([...(args.length > 0 ? args : ['up']), '--dir', dir], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
}

/** A code migration that commits as it goes; `body` has `batch`, `query` and `log`. */
const code = (body: string, down = '') =>
  `// migrate:up transaction:false\nexport async function up({ batch, query, log }) {\n${body}\n}\n` +
  (down && `export async function down({ batch, query, log }) {\n${down}\n}\n`)

/** How often each row was done: `[[1, 500]]` is every one of 500 once. */
async function times(database: ScratchDatabase, table = 't', column = 'n') {
  const { rows } = await database.query<{ n: number; count: number }>(
    `select ${column} as n, count(*)::int from ${table} group by 1 order by 1`,
  )
  return rows.map(({ n, count }) => [n, count])
}

/** Columns, the key, and its values for `i` from 1 to 200. */
const keys: Readonly<Record<string, readonly [columns: string, key: string, values: string]>> = {
  integers: ['id int', 'id', 'i - 100'],
  integers_beyond_javascript: ['id bigint', 'id', '9007199254740993 + i'],
  decimals: ['id numeric', 'id', '100000000000000000000.5 + i * 0.0000000001'],
  uuids: ['id uuid', 'id', 'gen_random_uuid()'],
  floats: ['id float8', 'id', '1 / (3.0::float8 + i)'],
  short_floats: ['id float4', 'id', '1 / (3.0::float4 + i)'],
  text_by_code: ['id text collate "C"', 'id', 'chr(60 + i) || chr(39) || chr(92)'],
  text_by_language: ['id text collate "en-x-icu"', 'id', `chr(60 + i % 100) || i`],
  fixed_text: ['id char(8)', 'id', `i::text`],
  microseconds: ['id timestamptz', 'id', `timestamptz '2020-01-01 00:00:00+00' + i * interval '1 us'`],
  days: ['id date', 'id', `date '0001-01-01 BC' + i`],
  bytes: ['id bytea', 'id', `decode(lpad(to_hex(i), 4, '0'), 'hex')`],
  an_enum: ['id shade', 'id', `('s' || i)::shade`],
  two_columns: ['a int, id text', 'a,id', `i % 3, 'x' || i`],
  three_columns: ['"A" int, b uuid, id timestamptz', 'A,b,id', `i % 2, gen_random_uuid(), now()`],
}

test('rows are taken once each, by a key of any type and of several columns', async ({ database }) => {
  const shades = Array.from({ length: 200 }, (_, i) => `'s${i + 1}'`).join(', ')
  await database.query(
    `create type shade as enum (${shades}); alter database ${database.name} set extra_float_digits = 0`,
  )
  const passes: string[] = []
  for (const [table, [columns, key, values]] of Object.entries(keys)) {
    const names = key.split(',').map(name => `"${name}"`)
    await database.query(`create table ${table} (${columns}, n int default 0, by_function int default 0, primary key (${names}));
      insert into ${table} (${names}) select ${values} from generate_series(1, 200) i`)
    const [from, to] = [0, names.length].map(start => names.map((_, i) => `$${start + i + 1}`))
    const update = `update ${table} set by_function = by_function + 1 where (${names}) between (${from}) and (${to})`
    passes.push(`
      const options = { table: '${table}', key: ${JSON.stringify(key.split(','))}, size: 70 }
      const { rows } = await batch({ ...options, set: 'n = n + 1' })
      const sizes = []
      await batch({ ...options, name: '${table} by function' }, async ({ query, from, to, rows }) => {
        const { rowCount } = await query(${JSON.stringify(update)}, [...from, ...to])
        sizes.push(rows, rowCount)
      })
      log.info({ table: '${table}', rows, sizes }, 'seen')`)
  }
  // how the server writes dates must not matter
  await database.query(`alter database ${database.name} set datestyle = 'SQL, DMY'`)
  const result = await run(database, await folder({ '0001.mjs': code(passes.map(pass => `{${pass}}`).join('\n')) }))
  expect(result.code, result.stdout).toBe(0)
  const seen = result.lines.filter(({ msg }) => msg === 'seen')
  expect(seen).toMatchObject(Object.keys(keys).map(table => ({ table, rows: 200, sizes: [70, 70, 70, 70, 60, 60] })))
  for (const table of Object.keys(keys))
    expect([table, await times(database, table), await times(database, table, 'by_function')]).toEqual([
      table,
      [[1, 200]],
      [[1, 200]],
    ])
})

test('a condition, a partitioned table, a table without rows, rows that come in while it runs', async ({
  database,
}) => {
  await database.query(`
    create table parts (k int, id int, n int not null default 0, primary key (k, id)) partition by range (k);
    create table parts_1 partition of parts for values from (0) to (5);
    create table parts_2 partition of parts for values from (5) to (10);
    insert into parts select i % 10, i from generate_series(0, 99) i;
    create table empty (id int primary key, n int);
    create schema app;
    create table app."Grows" (id int primary key, n int not null default 0);
    insert into app."Grows" select i from generate_series(1, 100) i`)
  const dir = await folder({
    '0001.mjs': code(`
      await batch({ table: 'parts', key: ['k', 'id'], where: "id % 2 = 0 -- even", set: 'n = n + 1', size: 7 })
      const none = await batch({ table: 'empty', key: 'id', set: 'n = 1' })
      let more = 100
      const grown = await batch({ table: 'app."Grows"', key: 'id', size: 30 }, async ({ query, from, to }) => {
        await query('update app."Grows" set n = n + 1 where id between $1 and $2', [...from, ...to])
        if (more < 150) await query('insert into app."Grows" select $1::int + i from generate_series(1, 10) i', [more])
        more += 10
      })
      log.info({ none, grown }, 'seen')`),
  })
  const result = await run(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(await times(database, 'parts')).toEqual([
    [0, 50],
    [1, 50],
  ])
  expect(await times(database, 'app."Grows"')).toEqual([[1, 150]])
  expect(result.lines.find(({ msg }) => msg === 'seen')).toMatchObject({ none: { rows: 0 }, grown: { rows: 150 } })
  expect((await database.query('select state, journal from schemagate.ledger')).rows).toEqual([
    { state: 'applied', journal: null },
  ])
})

test('a row that another session changes in the middle of a batch is asked for its condition again', async ({
  database,
}) => {
  await database.query(
    'create table t (id int primary key, n int, tries int not null default 0); insert into t select i from generate_series(1, 10) i',
  )
  const other = await database.connect()
  await other.query('begin; update t set n = 7 where id = 5')
  const dir = await folder({
    '0001.mjs': code(`await batch({ table: 't', key: 'id', where: 'n is null', set: 'n = 1' })`),
  })
  const going = run(database, dir)
  await expect
    .poll(async () => (await database.query(`select from pg_locks where not granted`)).rowCount, { timeout: 10_000 })
    .toBeGreaterThan(0)
  await other.query('commit')
  expect((await going).code).toBe(0)
  expect(await times(database)).toEqual([
    [1, 9],
    [7, 1],
  ])
})

test('a batch that runs into a lock is tried again, and those before it stay', async ({ database }) => {
  await database.query(
    'create table t (id int primary key, n int not null default 0); insert into t select i from generate_series(1, 100) i',
  )
  const other = await database.connect()
  await other.query('begin; select from t where id = 55 for update')
  const dir = await folder({
    '0001.mjs': code(
      `log.info({}, 'called')\nawait batch({ table: 't', key: 'id', set: 'n = n + 1', size: 10 })`,
    ).replace('\n', '\n// schemagate:lock-timeout 50ms\n'),
  })
  const failed = await schemagate(['up', '--dir', dir, '--lock-retries', '1'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  expect(failed.code, failed.stdout).toBe(10)
  expect(failed.stdout).toContain('The 5 batches before it have committed and stay.')
  const going = run(database, dir)
  await expect.poll(async () => (await database.query(`select from pg_locks where not granted`)).rowCount).toBe(1)
  await other.query('commit')
  const result = await going
  expect(result.code, result.stdout).toBe(0)
  // the batch alone, and not the whole module, was called again
  expect(result.lines.filter(({ msg }) => msg === 'called')).toHaveLength(1)
  expect(await times(database)).toEqual([[1, 100]])
})

test('what fails is told with its SQL; corrected, it goes on behind what is done, and only what is done must stay', async ({
  database,
}) => {
  await database.query(
    'create table t (id int primary key, n int not null default 0); insert into t select i from generate_series(1, 100) i; create table u (like t including all)',
  )
  const with_ = (options: string) => ({ '0001.mjs': code(`await batch({ ${options} })`) })
  const dir = await folder(with_(`table: 't', key: 'id', set: 'n = n + 1 / (55 - id)', size: 10`))
  const failed = await run(database, dir)
  expect(failed.code).toBe(5)
  const error = failed.lines.find(({ level }) => level === 'error')
  expect(error).toMatchObject({ line: 3, column: 1 })
  expect(error?.msg).toContain('0001 failed at 0001.mjs:3:1: division by zero (22012)')
  expect(error?.msg).toContain('query: update public.t set n = n + 1 / (55 - id)')
  expect(error?.msg).toContain('5 of its batches are done')
  expect((await run(database, dir, 'status')).stdout).toContain('5 of its batches are done')
  await database.query('update t set n = 1 where id <= 50')

  await write(dir, with_(`table: 't', key: 'n', set: 'n = n + 1'`))
  expect((await run(database, dir)).stdout).toContain('has no unique index on (n) alone')
  await write(dir, with_(`table: 'u', key: 'id', set: 'n = n + 1', name: 'public.t'`))
  expect((await run(database, dir)).stdout).toContain(
    '50 rows are done as public.t, which went over public.t by (id) and now is to go over public.u by (id)',
  )
  await write(dir, { '0001.mjs': 'export const up = ({ query }) => query("select 1")' })
  expect((await run(database, dir)).stdout).toContain('Mark it `// migrate:up transaction:false` again')

  await write(dir, with_(`table: 'public.t', key: 'id', set: 'n = n + 1', size: 33`))
  const result = await run(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(result.lines.find(({ msg }) => msg?.includes('going on behind'))).toMatchObject({ rows: 50 })
  expect(await times(database)).toEqual([[1, 100]])
})

test('what was begun in steps is not taken up by code, nor what was begun in batches by SQL', async ({ database }) => {
  await database.query(
    'create table t (id int primary key, n int); insert into t select i from generate_series(1, 100) i',
  )
  const begun = async (dir: string) => {
    expect((await run(database, dir)).code).toBe(5)
    await rm(join(dir, '0001.mjs'), { force: true })
    await rm(join(dir, '0001.sql'), { force: true })
  }
  const dir = await folder({
    '0001.mjs': code(`await batch({ table: 't', key: 'id', set: 'n = 1 / (55 - id)', size: 10 })`),
  })
  await begun(dir)
  await write(dir, { '0001.sql': 'update t set n = 7;' })
  const asSql = await run(database, dir)
  expect(asSql.code, asSql.stdout).toBe(6)
  expect(asSql.stdout).toContain('0001.sql is SQL, and 0001 was begun as code: 5 of its batches are done')
  expect(await times(database)).not.toContainEqual([7, expect.anything()])

  await database.query('drop schema schemagate cascade')
  const steps = await folder({
    '0001.sql': 'create index concurrently t_n on t (n); create index concurrently x on nope (n);',
  })
  await begun(steps)
  await write(steps, { '0001.mjs': code(`await batch({ table: 't', key: 'id', set: 'n = 8' })`) })
  const asCode = await run(database, steps)
  expect(asCode.code, asCode.stdout).toBe(6)
  expect(asCode.stdout).toContain('0001.mjs is code, and 0001 was begun as SQL: 1 of its steps')
})

test('`down` has its own batches, also after an `up` that was not finished', async ({ database }) => {
  await database.query(
    'create table t (id int primary key, n int not null default 0); insert into t select i from generate_series(1, 100) i; create table obstacle ()',
  )
  const go = (set: string) => `await batch({ table: 't', key: 'id', set: '${set}', size: 10 })`
  const stop = `if ((await query("select to_regclass('obstacle') as o")).rows[0].o) throw new Error('in the way')`
  const dir = await folder({
    '0001.mjs': code(
      `${go('n = n + 1')}\n${stop}`,
      `${go('n = n - 1')}\n${stop}\n${go('n = n').replace('{', "{ name: 'again',")}`,
    ),
  })
  expect((await run(database, dir)).code).toBe(5)
  expect((await run(database, dir, 'down', '--yes')).code).toBe(5)
  expect(await times(database)).toEqual([[0, 100]])
  expect((await run(database, dir, 'down', '--yes')).code).toBe(5)
  expect(await times(database)).toEqual([[0, 100]])
  await database.query('drop table obstacle')
  expect((await run(database, dir, 'down', '--yes')).code).toBe(0)
  expect(await times(database)).toEqual([[0, 100]])
  expect((await run(database, dir)).code).toBe(0)
  expect(await times(database)).toEqual([[1, 100]])
  expect((await run(database, dir, 'down', '--yes')).code).toBe(0)
  expect(await times(database)).toEqual([[0, 100]])
})

test('a batch has the role and the settings of the run, and what its work sets ends with it', async ({ database }) => {
  const other = database.role('other')
  await database.query(
    `create role ${other}; create table t (id int primary key, who text, path text, lock text); insert into t select i from generate_series(1, 20) i;
     create table after_it (who text, path text, lock text); grant all on t to ${other}`,
  )
  const seen = `current_user, current_setting('search_path'), current_setting('lock_timeout')`
  const dir = await folder({
    '0001.mjs': code(`
      await query('set search_path = pg_catalog; set role ${other}')
      await batch({ table: 'public.t', key: 'id', size: 10 }, async ({ query, from, to }) => {
        await query("update t set (who, path, lock) = (${seen}) where id between $1 and $2", [...from, ...to])
        await query("set role ${other}; set search_path = pg_catalog; set lock_timeout = '7s'")
      })
      await query("insert into after_it select ${seen}")`),
  })
  const result = await run(database, dir)
  expect(result.code, result.stdout).toBe(0)
  const { rows } = await database.query(`select who, path, lock from t union all select * from after_it`)
  const expected = { who: 'postgres', path: '"$user", public', lock: '2s' }
  expect(rows).toEqual(rows.map(() => ({ ...expected, who: rows[0]?.who })))
  expect(rows[0]?.who).not.toBe(other)
})

/** What a migration asks, and the error that it gets. */
const refusals: readonly (readonly [asked: string, message: string])[] = [
  [
    `{ table: 't', key: 'n', set: 'n = 1' }`,
    't.n may be null, and rows without a key would be left out. Take a key that is not null, such as its primary key (id).',
  ],
  [`{ table: 't', key: ['id', 'm'], set: 'n = 1' }`, 't has no unique index on (id, m) alone'],
  [`{ table: 't', key: ['a', 'b'], set: 'n = 1' }`, 't has no unique index on (a, b) alone'],
  [`{ table: 't', key: 'part', set: 'n = 1' }`, 't has no unique index on (part) alone'],
  [`{ table: 'collated', key: 'id', set: 'n = 1' }`, 'collated has no unique index on (id) alone'],
  [`{ table: 't', key: 'x', set: 'n = 1' }`, 't has no column x.'],
  [`{ table: 'x', key: 'x', set: 'n = 1' }`, 'there is no table x.'],
  [`{ table: 'parent', key: 'id', set: 'n = 1' }`, 'other tables inherit from parent'],
  [`{ key: 'id', set: 'n = 1' }`, 'which table?'],
  [`{ table: 't', set: 'n = 1' }`, 'by which column?'],
  [`{ table: 't', key: 'id' }`, 'Give it as `set`, or as a function.'],
  [`{ table: 't', key: 'id', set: 'n = 1' }, () => {}`, 'take one out'],
  [`{ table: 't', key: 'id', sise: 5, set: 'n = 1' }`, 'there is no option sise. Did you mean size?'],
  [`{ table: 't', key: 'id', set: 'id = id + 100' }`, '`set` changes id, by which the rows of t are taken'],
  [`{ table: 't', key: 'id', set: '(n, "id") = (1, 2)' }`, '`set` changes id, by which the rows of t are taken'],
  [`{ table: 'hidden', key: 'k', set: 'n = 1' }`, 'the operators that compare hidden.k are in schema ext'],
  [`{ table: 't', key: 'id', size: 0, set: 'n = 1' }`, 'size is no number of rows.'],
  [`{ table: 't', key: 'id', pause: 'soon', set: 'n = 1' }`, 'pause is no time'],
  [`{ table: 't', key: 'id' }, () => batch({ table: 'u', key: 'id', set: 'n = 1' })`, 'the batches of t are under way'],
  [`{ table: 't', key: 'id' }, ({ query }) => query('select nope').catch(() => {})`, 'column "nope" does not exist'],
  [`{ table: 't', key: 'id' }, () => { throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' }) }`, 'away'],
  [`{ table: 't', key: 'id' }, ({ query }) => query('commit')`, "ended its batch's transaction"],
  [`{ name: 'u', table: 'u', key: 'id', set: 'n = 2' }`, 'a second pass over u would be taken for the first.'],
]

/** A type as an extension makes one, in a schema that is not on the search path, and a table with a key of it. */
const typeInExt = `
  create schema ext; create type ext.num;
  create function ext.num_in(cstring) returns ext.num language internal immutable strict as 'int4in';
  create function ext.num_out(ext.num) returns cstring language internal immutable strict as 'int4out';
  create type ext.num (input = ext.num_in, output = ext.num_out, like = int4);
  ${Object.entries({ lt: '<', le: '<=', eq: '=', ge: '>=', gt: '>' })
    .map(
      ([name, operator]) =>
        `create function ext.${name}(ext.num, ext.num) returns boolean language internal immutable strict as 'int4${name}';
         create operator ext.${operator} (leftarg = ext.num, rightarg = ext.num, function = ext.${name});`,
    )
    .join('')}
  create function ext.cmp(ext.num, ext.num) returns int language internal immutable strict as 'btint4cmp';
  create operator class ext.num_ops default for type ext.num using btree as operator 1 ext.<, operator 2 ext.<=,
    operator 3 ext.=, operator 4 ext.>=, operator 5 ext.>, function 1 ext.cmp(ext.num, ext.num);
  create table hidden (k ext.num primary key, n int); insert into hidden values ('1')`

test('what would leave rows out, or do them twice, is refused', async ({ database }) => {
  await database.query(`
    create table t (id int primary key, n int, m int not null unique default 0, a int not null default 0, b int not null default 0, part int not null default 0);
    create unique index on t (b, a); create unique index on t (part) where id > 0;
    create table collated (id text not null); create unique index on collated (id collate "C");
    create table u (id int primary key, n int); create table parent (id int primary key, n int); create table child () inherits (parent);
    insert into t select 1; insert into u select 1`)
  await database.query(typeInExt)
  const asked = refusals.map(
    ([call], i) => `
      name = 'refused ${i}'
      try { await batch(${call.replace(/^\{ (?!name)/, '{ name, ')}); log.info({ i: ${i} }, 'was not refused') }
      catch (error) { log.info({ i: ${i}, why: error.message }, 'refused') }`,
  )
  const body = `let name\nawait batch({ name: 'u', table: 'u', key: 'id', set: 'n = 1' })${asked.join('')}`
  const result = await run(database, await folder({ '0001.mjs': code(body) }))
  expect(result.code, result.stdout).toBe(0)
  expect(result.lines.filter(({ msg }) => String(msg).includes('refused'))).toMatchObject(
    refusals.map(([, message], i) => ({ i, msg: 'refused', why: expect.stringContaining(message) })),
  )
  expect(await times(database)).toEqual([[null, 1]])
  expect(await times(database, 'u')).toEqual([[1, 1]])
})

describe('is refused with its migration:', () => {
  const go = `batch({ table: 't', key: 'id', set: 'n = 1' })`
  test.for([
    ['a call that is not awaited', code(`void ${go}`), 5, 'were still under way at its end. Await the call.'],
    ['one transaction', code(`await ${go}`).replace(/^.*\n/, ''), 5, 'mark it `// migrate:up transaction:false`.'],
    [
      'a service that is away',
      code(
        `await batch({ table: 't', key: 'id' }, () => { throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' }) })`,
      ),
      5,
      '0001 failed at 0001.mjs:3:68: away (ECONNREFUSED)',
    ],
  ] as const)('%s', async ([, module, exitCode, message], { database }) => {
    await database.query('create table t (id int primary key, n int); insert into t select 1')
    const result = await run(database, await folder({ '0001.mjs': module }))
    expect(result.code, result.stdout).toBe(exitCode)
    expect(result.lines.find(({ level }) => level === 'error')?.msg).toContain(message)
  })

  test.skipIf(pgbouncerPath === undefined)(
    `a pooler in transaction mode${pgbouncerPath ? '' : ` (skipped: ${noPgbouncer})`}`,
    async ({ database }) => {
      await database.query('create table t (id int primary key, n int); insert into t select 1')
      const pooler = await pgbouncer(database.url)
      const dir = await folder({ '0001.mjs': code(`await ${go}`) })
      const result = await run({ ...database, url: pooler.url(database.url) }, dir)
      expect(result.code).toBe(8)
      expect(await times(database)).toEqual([[null, 1]])
    },
  )
})
