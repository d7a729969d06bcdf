// The journal of a migration that cannot run in a transaction: what is done stays done, what is not may be corrected.

import { expect } from 'vitest'
import { type CliResult, type RunningCli, schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const table =
  'create table t (id int primary key, a int, b text); insert into t select i, i % 7, i::text from generate_series(1, 500) i'

function up(database: ScratchDatabase, dir: string): Promise<CliResult> {
  return schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' } })
}

test("a file's own BEGIN and COMMIT blocks are one step each, beside what cannot be in a transaction", async ({
  database,
}) => {
  await database.query(`${table}; create table tally (step text)`)
  const dir = await folder({
    '0001_blocks.sql': `
begin;
insert into tally values ('1a');
insert into tally values ('1b');
commit;
vacuum t;
begin;
insert into tally values ('2a');
select 1 / 0;
commit;
insert into tally values ('3');
`,
  })
  const failed = await up(database, dir)
  expect(failed.code, failed.stdout).toBe(5)
  const error = failed.lines.find(line => line.level === 'error')
  expect(error).toMatchObject({ line: 9, column: 1 })
  expect(error?.msg).toMatch(
    /22012.*The first 2 of 4 steps of 0001_blocks are done and stay; the next run goes on at step 3/s,
  )
  const tally = async () => (await database.query('select step from tally order by step')).rows.map(row => row.step)
  expect(await tally()).toEqual(['1a', '1b'])
  // corrected in what is not done, it goes on; what is done stays done
  const first = `begin;\ninsert into tally values ('1a');\ninsert into tally values ('1b');\ncommit;\nvacuum t;\n`
  await write(dir, {
    '0001_blocks.sql': `\n${first}begin;\ninsert into tally values ('2a');\ncommit;\ninsert into tally values ('3');\n`,
  })
  const result = await up(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(await tally()).toEqual(['1a', '1b', '2a', '3'])
  expect((await up(database, dir)).lines.at(-1)).toMatchObject({ outcome: 'nothing-to-do' })
})

test('a file that was changed in a step that is done is refused with exit 6, and runs once that is undone', async ({
  database,
}) => {
  await database.query(`${table}; create table tally (step text)`)
  const sql = (first: string, last: string) =>
    `-- migrate:up transaction:false\ninsert into tally values ('${first}');\nvacuum t;\ninsert into tally values (${last});\n`
  const dir = await folder({ '0001_steps.sql': sql('one', "'two' || 1 / 0") })
  expect((await up(database, dir)).code).toBe(5)
  await write(dir, { '0001_steps.sql': sql('changed', "'two'") })
  const refused = await up(database, dir)
  expect(refused.code, refused.stdout).toBe(6)
  expect(refused.lines.find(line => line.level === 'error')?.msg).toContain(
    'was changed in one of its first 2 steps, which are already done',
  )
  const steps = async () => (await database.query('select step from tally order by step')).rows.map(row => row.step)
  expect(await steps()).toEqual(['one'])
  await write(dir, { '0001_steps.sql': sql('one', "'two'") })
  expect((await up(database, dir)).code).toBe(0)
  expect(await steps()).toEqual(['one', 'two'])
})

test('the plan of a half-applied migration is what is left of it', async ({ database }) => {
  const steps = (last: string) => `create table t (a int);\ncreate index concurrently t_a on t (a);\n${last};\n`
  const dir = await folder({ '1_steps.sql': steps('create index concurrently t_b on t (b)') })
  expect((await up(database, dir)).code).toBe(5)
  await write(dir, { '1_steps.sql': steps('create index concurrently t_b on t (a)') })
  const { stdout } = await schemagate(['plan', '--format', 'json', '--dir', dir], {
    env: { DATABASE_URL: database.url },
  })
  expect(JSON.parse(stdout).migrations).toMatchObject([
    { name: '1_steps', steps: [{ transaction: false, sql: 'create index concurrently t_b on t (a)' }] },
  ])
})

test('a step that was begun and then corrected to another statement is run as what it is now', async ({ database }) => {
  await database.query(table)
  const dir = await folder({ '0001_index.sql': 'vacuum t;\ncreate index concurrently t_a on t (a);\n' })
  // the index is there, and the answer was lost
  let run: RunningCli | undefined
  const proxy = await tcpProxy(database.url, {
    onMessage: ({ sql }) => {
      if (!sql?.startsWith('create index')) return 'forward'
      run?.kill('SIGKILL')
      return 'cut-after-answer'
    },
  })
  run = start(['up', '--dir', dir], {
    env: { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await run.ended
  await proxy.close()
  await write(dir, { '0001_index.sql': 'vacuum t;\ncreate index concurrently t_a on t (b);\n' })
  const result = await up(database, dir)
  // not taken for the index that the file wants now
  expect(result.code, result.stdout).toBe(5)
  expect(result.lines.find(line => line.level === 'error')?.msg).toContain('already exists')
  await database.query('drop index t_a')
  expect((await up(database, dir)).code).toBe(0)
  const { rows } = await database.query("select pg_get_indexdef('t_a'::regclass) as def")
  expect(rows[0]?.def).toContain('(b)')
})

test('a step corrected from one that commits by itself to a plain one is run in a transaction', async ({
  database,
}) => {
  await database.query(`${table}; create table tally (step text)`)
  const dir = await folder({ '0001_steps.sql': 'vacuum t;\ncreate unique index concurrently t_a on t (a);\n' })
  expect((await up(database, dir)).code).toBe(5)
  await write(dir, { '0001_steps.sql': "vacuum t;\nbegin;\ninsert into tally values ('x');\nselect 1 / 0;\ncommit;\n" })
  const failed = await up(database, dir)
  expect(failed.code, failed.stdout).toBe(5)
  expect((await database.query('select * from tally')).rows).toEqual([])
  await write(dir, { '0001_steps.sql': "vacuum t;\nbegin;\ninsert into tally values ('x');\ncommit;\n" })
  expect((await up(database, dir)).code).toBe(0)
  expect((await database.query('select * from tally')).rows).toEqual([{ step: 'x' }])
})

test('a repeatable migration that fails before anything is done is still recorded as it was', async ({ database }) => {
  await database.query(table)
  const dir = await folder({ '0001_t.sql': 'create table u (a int);', 'R__vacuum.sql': 'vacuum t;' })
  expect((await up(database, dir)).code).toBe(0)
  const before = await database.query("select checksum, state, journal from schemagate.ledger where name = 'R__vacuum'")
  await write(dir, { 'R__vacuum.sql': 'vacuum no_such_table;' })
  const failed = await up(database, dir)
  expect(failed.code, failed.stdout).toBe(5)
  const after = await database.query("select checksum, state, journal from schemagate.ledger where name = 'R__vacuum'")
  expect(after.rows).toEqual(before.rows)
  // with its old content there is nothing to do again
  await write(dir, { 'R__vacuum.sql': 'vacuum t;' })
  expect((await up(database, dir)).lines.at(-1)).toMatchObject({ event: 'run', applied: 0, exitCode: 0 })
})

test('a duplicate key in a later step, or in code that runs without a transaction, is a failure of the migration', async ({
  createDatabase,
}) => {
  const duplicate = 'insert into t (id) values (1)'
  for (const files of [
    { '0001_steps.sql': `vacuum t;\n${duplicate};\n` },
    { '0001_code.mjs': `// migrate:up transaction:false\nexport const up = ({ query }) => query("${duplicate}")\n` },
  ]) {
    const database = await createDatabase()
    await database.query(table)
    const result = await up(database, await folder(files))
    expect(result.code, result.stdout).toBe(5)
    expect(result.lines.find(line => line.level === 'error')?.msg).toMatch(/0001_\w+ failed.*duplicate key.*23505/s)
  }
})

test('an INVALID index is not taken for done by code that asks for it with IF NOT EXISTS', async ({ database }) => {
  await database.query('create table t (c int); insert into t values (1), (1)')
  await expect(database.query('create unique index concurrently t_c on t (c)')).rejects.toThrow('could not create')
  await database.query('truncate t')
  const dir = await folder({
    '0001_index.mjs': `// migrate:up transaction:false
export const up = ({ query }) => query('create unique index concurrently if not exists t_c on t (c)')
`,
  })
  expect((await up(database, dir)).code).toBe(0)
  const { rows } = await database.query("select indisvalid from pg_index where indexrelid = 't_c'::regclass")
  expect(rows).toEqual([{ indisvalid: true }])
})
