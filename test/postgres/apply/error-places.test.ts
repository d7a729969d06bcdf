// What an operator reads when SQL fails: where in the file, why, what became of it, and what to type.

import { describe, expect, onTestFinished } from 'vitest'
import { ownState } from '../../../gate/postgres/sqlstate.ts'
import { createMigrator } from '../../../migrator/index.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { failure, tables } from './failing-runs.ts'

describe('the place of an error', () => {
  // [what the file is, its text with ¦ where the error is, the line and the column]
  const places: readonly (readonly [string, string, number, number])[] = [
    ['plain text', 'create table a (id int);\nselect ¦nope from a;\n', 2, 8],
    ['text of many bytes before it', `select 'größer 日本語', ¦nope;\n`, 1, 22],
    ['emoji, which are two units in UTF-16', `select '🎉👩‍👩‍👧', ¦nope;`, 1, 18],
    ['a tab, which is one column', '\tselect\t\t¦nope;', 1, 10],
    ['CRLF', 'create table a (id int);\r\n\r\nselect\r\n  ¦nope from a;\r\n', 4, 3],
    ['a byte-order mark', '\uFEFFselect ¦nope;', 1, 8],
    ['a missing table', 'select 1;\n\nselect *\n  from ¦nowhere;', 4, 8],
    ['a syntax error', 'create table a (id int)\n¦create table b (id int);', 2, 1],
    ['a missing semicolon at the end', 'create table a (\n  id int¦\n\n', 2, 9],
    [
      'the body of a function',
      'create function f() returns int language plpgsql as $$\nbegin\n  ¦retrun 1;\nend $$;',
      3,
      3,
    ],
    ['the body of an SQL function', 'create function f() returns int language sql as $$\n  select ¦nope $$;', 2, 10],
    ['a wrong default', `create table a (id int, b date default ¦'x');`, 1, 40],
    ['a string that is never closed', `create table a (id int);\nselect ¦'it;\nselect 1;\n`, 2, 8],
    ['a quoted name that is never closed', `select 1 as ¦"it;\nselect 1;\n`, 1, 13],
    ['a comment that is never closed', 'select 1;\n¦/* /* nested */\nselect 2;', 2, 1],
    ['one before all SQL, which it hides', '-- a\n¦/* x\ncreate table hidden (id int);\n', 2, 1],
    [
      'one behind the data of a COPY',
      'create table c (a int);\ncopy c from stdin;\n1\n\\.\n¦/* x\ncreate table hidden (id int);\n',
      5,
      1,
    ],
    ['one behind an empty transaction', 'begin;\ncommit;\n¦/* x\ncreate table hidden (id int);\n', 3, 1],
    ['a dollar quote that is never closed', 'select 1;\ndo ¦$x$ begin\nnull; end $$;\n', 2, 4],
    ['an escape that makes no character', `select 1;\n\n¦select E'ok', E'\\xe9';\n`, 3, 1],
    ['bytes that are no character, while it runs', `select 1;\n¦select convert_from('\\xe9', 'UTF8');\n`, 2, 1],
    [
      'the up part of a marked file',
      '-- a comment\n\n-- migrate:up\n\nselect ¦nope;\n\n-- migrate:down\nselect 1;\n',
      5,
      8,
    ],
    ['a step without a transaction', '-- migrate:up transaction:false\nselect 1;\n\nselect\n ¦nope;', 5, 2],
    ['its own BEGIN and COMMIT', 'begin;\nselect 1;\nselect ¦nope;\ncommit;', 3, 8],
    [
      'the second of two blocks',
      'begin;\nselect 1;\ncommit;\n\nbegin;\nselect 1;\n/* é */ select ¦nope;\ncommit;\n',
      7,
      16,
    ],
  ]
  test('is that of the file, in characters, whatever stands before it', async ({ database }) => {
    for (const [what, marked, line, column] of places) {
      await database.query('drop schema if exists schemagate cascade')
      const error = await failure(database, { '1_x.sql': marked.replace('¦', '') })
      expect({ what, ...error.place }).toMatchObject({ what, line, column })
      expect(error.message).toContain(`1_x failed at 1_x.sql:${line}:${column}: `)
      // what stands above the caret is what stands behind the place
      const shown = error.place!.excerpt.split('\n')
      const [source, caret] = shown.slice(shown.findIndex(text => text.startsWith('>')))
      const behind = marked.slice(marked.indexOf('¦') + 1).split(/\r?\n/)[0]!
      expect(source!.endsWith(behind.trimEnd()), what).toBe(true)
      expect(source, what).toContain(`> ${line} | `)
      expect(caret!.trimEnd().endsWith('^'), what).toBe(true)
      // nothing of our own statements is shown
      expect(error.message, what).not.toMatch(/ledger|set_config|reset all/)
    }
  })

  test.for([
    [
      'the statement that fails when it runs',
      'select 1;\n\ninsert into t\n  select 1 / (g - 3) from generate_series(1, 5) g;\n',
      3,
      1,
    ],
    ['a check that old rows do not meet', 'insert into t values (0);\nalter table t\n  add check (id > 0);', 2, 1],
    ['a function that a statement calls', 'select 1; -- é\n  select raiser();', 2, 3],
    [
      'the line in a DO block',
      'select 1;\n/* 日本 */ do $$\ndeclare x int;\nbegin\n  x := 1;\n\tperform raiser();\nend $$;\n',
      6,
      2,
    ],
    [
      'the line in a DO block with a tag',
      'do language plpgsql $é$ begin null;\n  raise exception $$no$$; end $é$;',
      2,
      3,
    ],
    ['the one statement of a step', '-- migrate:up transaction:false\nselect 1;\nselect raiser();', 3, 1],
  ] as const)('is %s, where the server tells no position', async ([, text, line, column], { database }) => {
    await database.query('create table t (id int)')
    await database.query(
      `create function raiser() returns int language plpgsql as $$ begin\n raise exception 'no way' using hint = 'try it\ntwice', detail = 'because'; end $$`,
    )
    const error = await failure(database, { '1_x.sql': text })
    expect(error.place).toMatchObject({ line, column })
    if (!text.includes('raiser')) return
    expect(error.message).toMatch(
      /: no way \(P0001\)\n {2}detail: because\n {2}hint: try it\n {8}twice\n {2}context: PL\/pgSQL function raiser\(\) line 2 at RAISE/,
    )
  })
})

test('what a function was doing is told with the statement and the place in it', async ({ database }) => {
  const error = await failure(database, {
    '1_x.sql': `create function g() returns void language plpgsql as $$ begin execute 'select 1,\n  nope'; end $$;\nselect g();`,
  })
  expect(error.place).toMatchObject({ line: 3, column: 1 })
  expect(error.message).toContain('query:\n      1 | select 1,\n    > 2 |   nope\n        |   ^')
  expect(error.message).toContain('context: PL/pgSQL function g() line 1 at EXECUTE')
})

test('a constraint that is deferred fails at COMMIT, and that is said', async ({ database }) => {
  const error = await failure(database, {
    '1_x.sql':
      'create table a (id int primary key, b int references a deferrable initially deferred);\ninsert into a values (1, 2);\ncreate table z (id int);\n',
  })
  expect(error.message).toMatch(/^1_x failed at COMMIT: insert or update on table "a" violates foreign key/)
  expect(error.message).toContain('detail: Key (b)=(2) is not present in table "a".')
  expect(error.message).toContain('All of its statements ran')
  expect(error.place).toBeUndefined()
  expect(await tables(database)).toEqual([])
})

test('every failure says what became of the migration and ends with what to type', async ({ database }) => {
  const files = { '1_a.sql': 'create table a (id int);', '2_b.sql': 'create table b (id int);\nselect nope;' }
  const whole = await failure(database, files)
  expect(whole.message).toMatch(
    /\n2_b was rolled back; the database is as it was before it\. Correct the file and run `schemagate up` again\.$/,
  )
  expect(await tables(database)).toEqual(['a'])
  const steps = await failure(database, {
    ...files,
    '2_b.sql': '-- migrate:up transaction:false\ncreate table c (id int);\nselect nope;',
  })
  expect(steps.message).toMatch(
    /\nThe first 1 of 2 steps of 2_b are done and stay; the next run goes on at step 2\. Correct the file/,
  )
  expect(await tables(database)).toEqual(['a', 'c'])
})

test('a down part that fails is rolled back, with its place in the file and what to type', async ({ database }) => {
  const dir = await folder({
    '1_a.sql': '-- migrate:up\ncreate table a (id int);\n\n-- migrate:down\ndrop table a;\nselect nope;\n',
  })
  const migrator = createMigrator({ databaseUrl: database.url, dir })
  expect(await migrator.up()).toMatchObject({ exitCode: 0 })
  const { error, exitCode } = await migrator.down({ confirmed: true })
  expect(exitCode).toBe(5)
  expect(error).toMatchObject({ place: { line: 6, column: 8 } })
  expect(error?.message).toMatch(
    /Reverting 1_a failed and was rolled back; the database is as it was before\. .* run `schemagate down --yes` again\.$/,
  )
  expect(await tables(database)).toEqual(['a'])
})

test.for([
  ['2_b.sql', 'select ¦'],
  ['2_b.sql', '-- migrate:up transaction:false\nselect ¦'],
  ['2_b.mjs', 'export async function up({ query }) { await query("select ¦") }'],
] as const)('%s that asks require() fails as with any error: %s', async ([name, text], { database }) => {
  const first = { '1_a.sql': 'select 1;' }
  const dir = await folder(first)
  await createMigrator({ databaseUrl: database.url, dir }).up()
  for (const [code, question] of [
    ['SG006', `require('{"version":1,"migrations":[{"name":"1_a","kind":"sql","checksum":"x"}]}'::jsonb)`],
    ['SG007', "require('9_later')"],
  ] as const) {
    const asked = `schemagate.${name.endsWith('.mjs') ? question.replaceAll('"', '\\"') : question}`
    const error = await failure(database, { ...first, [name]: text.replace('¦', asked) })
    expect(error.exitCode).toBe(5)
    expect(error.message).toContain('2_b failed')
    expect(error.message).toContain(code)
    expect(error.message).toMatch(/Correct the file.* run `schemagate up` again/)
  }
})

// the states with which schemagate's own guards refuse: a run that took these for its own waited, or tried again without an end
const raisesOwnState: Readonly<Record<string, string>> = {
  '2_b.sql': "do $$ begin raise exception 'no' using errcode = '¦'; end $$;",
  '2_commit.sql': `create table b (id int);
    create function no() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '¦'; end $$;
    create constraint trigger no after insert on b deferrable initially deferred for each row execute function no();
    insert into b values (1);`,
  '2_steps.sql': "-- migrate:up transaction:false\ncall refuse('¦');\n",
  '2_alone.sql': "create index concurrently on a (no('¦'));",
  '2_code.mjs':
    "export const up = ({ query }) => query(`do $$ begin raise exception 'no' using errcode = '¦'; end $$`)",
  '2_batch.mjs': `// migrate:up transaction:false
    export const up = ({ batch }) => batch({ table: 'a', key: 'id' }, ({ query }) => query("select no('¦')"))`,
}

test.for(Object.keys(raisesOwnState))(
  "%s that raises a state of schemagate's own fails as with any error",
  async (name, { database }) => {
    const first = {
      '1_a.sql': `create table a (id text primary key);
      insert into a values ('x');
      create function no(state text) returns text immutable language plpgsql as $$ begin raise exception 'no' using errcode = state; end $$;
      create procedure refuse(state text) language plpgsql as $$ begin raise exception 'no' using errcode = state; end $$;`,
    }
    await createMigrator({ databaseUrl: database.url, dir: await folder(first) }).up()
    for (const code of Object.values(ownState)) {
      const error = await failure(database, { ...first, [name]: raisesOwnState[name]!.replaceAll('¦', code) })
      expect([code, error.exitCode, error.message]).toEqual([code, 5, expect.stringMatching(/failed.*: no \(/)])
    }
  },
)

test('a file that takes the ledger away is not told of a syntax error', async ({ database }) => {
  const error = await failure(database, { '1_x.sql': 'create table a (id int);\ndrop schema schemagate cascade;' })
  expect(error.message).toMatch(
    /^1_x failed: relation "schemagate\.ledger" does not exist, when the ledger was written after it \(42P01\)\n1_x was rolled back/,
  )
  expect(await tables(database)).toEqual([])
})

test("a character that the database's encoding does not have has its place", async ({ admin, database }) => {
  const name = `${database.name}_latin1`
  await admin.query(`create database ${name} template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`)
  onTestFinished(async () => void (await admin.query(`drop database ${name} with (force)`)))
  const dir = await folder({ '1_x.sql': 'create table a (id int);\n-- größer → weiter\ncreate table b (id int);\n' })
  const databaseUrl = database.url.replace(database.name, name)
  const { error, exitCode } = await createMigrator({ databaseUrl, dir }).up()
  expect(exitCode).toBe(5)
  expect(error?.message).toMatch(/^1_x failed at 1_x\.sql:2:11: /)
  expect(error?.message).toContain('move to a database whose encoding is UTF8')
  expect(error?.message).not.toContain("schemagate's own")
})
