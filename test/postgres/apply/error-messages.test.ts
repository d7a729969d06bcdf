// What an operator reads when a migration fails: where in the file, why, what became of it, and what to type.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of other tools are what this is about

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createMigrator, MigrationFailedError, type RunResult, UsageError } from '../../../migrator/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

async function up(database: ScratchDatabase, files: Readonly<Record<string, string>>): Promise<RunResult> {
  return createMigrator({ databaseUrl: database.url, dir: await folder(files) }).up()
}

/** The failure of a run that must fail with exit code 5. */
async function failure(database: ScratchDatabase, files: Readonly<Record<string, string>>) {
  const { error, exitCode } = await up(database, files)
  expect(exitCode, error?.message).toBe(5)
  if (!(error instanceof MigrationFailedError)) throw new Error(`not a MigrationFailedError: ${error}`)
  return error
}

async function tables(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ relname: string }>(
    `select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
  )
  return rows.map(row => row.relname)
}

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
    ['a dollar quote that is never closed', 'select 1;\ndo ¦$x$ begin\nnull; end $$;\n', 2, 4],
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
    /Reverting 1_a failed and was rolled back; it is still applied\. .* run `schemagate down --yes` again\.$/,
  )
  expect(await tables(database)).toEqual(['a'])
})

describe('what no server understands is refused before anything is applied', () => {
  const foreign: readonly (readonly [string, string, string, number, number])[] = [
    ['\\connect', 'select 1;\n\\connect other\n', '`\\connect` is a command of psql', 2, 1],
    ['\\c after blanks', '  \\c other', 'remove it', 1, 3],
    ['\\i', '\\i other.sql', 'Copy the included file into this one', 1, 1],
    ['\\ir', 'select 1;\n\\ir other.sql', 'Copy the included file into this one', 2, 1],
    ['\\copy', '\\copy t from t.csv csv', 'a command of psql', 1, 1],
    ['\\gexec at the end of a line', `select 'create table x ()' \\gexec`, '`\\gexec` is a command of psql', 1, 28],
    ['\\set and its variable', '\\set x 1\nselect :x;', '`\\set`', 1, 1],
    [
      'COPY without data',
      'select 1;\n\n  copy t from stdin with (format csv);',
      'the data of this COPY does not end',
      3,
      3,
    ],
    ['COPY whose data does not end', 'select 1;\ncopy t from stdin;\n1\n\\.x\n', 'Add that line', 2, 1],
    ['COPY with more on its line', 'copy t from stdin; select 1;\n1\n\\.\n', 'this COPY has no data', 1, 1],
    ['psql behind the data of a COPY', 'copy t from stdin;\n\\connect\n\\.\n\\connect x\n', '`\\connect` is', 4, 1],
    [
      'a placeholder',
      'create table ${schema}.x (id int);',
      '`${schema}` is a placeholder of Flyway or of a shell',
      1,
      14,
    ],
    ['a template', 'create table {{ .Schema }}.x (id int);', '`{{ .Schema }}` is a template mark', 1, 14],
    [
      'a template in a quoted name',
      'create table "{{ schema }}"."x" (id int);',
      '`{{ schema }}` is a template mark',
      1,
      15,
    ],
    ['a Jinja block', '{% if x %}\nselect 1;\n{% endif %}', '`{% if x %}` is a template mark', 1, 1],
    ['ERB', 'select <%= x %>;', 'a template mark', 1, 8],
    ['a variable', 'select *\nfrom t where id = :id;', '`:id` looks like a variable of psql', 2, 19],
    ['a variable as a string', `select 'é', :'name';`, "`:'name'` looks like a variable", 1, 13],
    ['a variable as a name', 'alter table :"tab" add x int;', '`:"tab"` looks like a variable', 1, 13],
    [
      "SQL Server's GO",
      'create table a (id int)\nGO\ncreate table b (id int)\nGO\n',
      "SQL Server's batch separator",
      2,
      1,
    ],
    ["MySQL's DELIMITER", 'delimiter //\nselect 1//', "MySQL's DELIMITER", 1, 1],
  ]
  test('commands of psql, templates and variables', async ({ database }) => {
    for (const [what, text, message, line, column] of foreign) {
      const ok = { '1_ok.sql': 'create table a (id int);' }
      const { error, exitCode, migrations } = await up(database, { ...ok, '2_x.sql': text })
      expect({ what, exitCode }, error?.message).toEqual({ what, exitCode: 2 })
      expect(error, what).toBeInstanceOf(UsageError)
      expect({ what, error }).toMatchObject({ error: { place: { line, column } } })
      expect(error?.message).toContain(`2_x.sql, line ${line}, column ${column}: `)
      expect(error?.message).toContain(message)
      expect(migrations.map(({ status }) => status)).toEqual(['not-reached', 'not-reached'])
      expect(await tables(database), what).toEqual([])
    }
    expect((await database.query(`select to_regnamespace('schemagate') as s`)).rows).toEqual([{ s: null }])
  })

  test.for([
    ['a BEGIN that is never ended', 'begin;\ncreate table x (id int);', 'this BEGIN has no end', 1, 1],
    [
      'a syntax error where statements must be told apart',
      '-- migrate:up transaction:false\nselect 1;\nselect 1 frm x y;',
      'cannot be split',
      3,
      14,
    ],
  ] as const)('%s', async ([, text, message, line, column], { database }) => {
    const { error, exitCode } = await up(database, { '1_ok.sql': 'create table a (id int);', '2_x.sql': text })
    expect(exitCode, error?.message).toBe(2)
    expect(error).toMatchObject({ place: { line, column } })
    expect(error?.message).toContain(message)
    expect(await tables(database)).toEqual([])
  })

  test("Flyway's placeholders, also inside strings, where Flyway fills them in", async ({ database }) => {
    const { error, exitCode } = await up(database, { 'V1__x.sql': "create table a (owner text default '${owner}');" })
    expect(exitCode).toBe(2)
    expect(error?.message).toContain('`${owner}` is a placeholder of Flyway')
  })
})

test('the same characters inside strings, names, comments and bodies are SQL like any other', async ({ database }) => {
  const result = await up(database, {
    '1_rightful.sql': String.raw`
-- {{ template }} ${'$'}{shell} :variable \connect copy t from stdin;
/* GO
GO
\restrict x
*/
create table t (id int, "a:b" text default 'at 10:30 :smile: {{ name }}', v int[]);
insert into t values (1, '\connect ${'$'}{x} {% if %} <% erb %>', '{{1,2},{3,4}}');
insert into t values (2, E'it\'s :here \\i', array[1, 2, 3]);
insert into t values (3, '
\copy t from x
GO
copy t from stdin;
', null);
select v[1:2], v[:2], v[1:], 1::int, 'a'::text from t;
create function f(n int) returns text language plpgsql as $body$
begin
  n := 1;
  execute 'copy t from stdin';
  return '\i ${'$'}{n} {{ n }} :n';
end $body$;
create function g() returns text language sql as 'select '':x {{ y }}''::text';
do $$ begin perform 1; /* {{ }} \q */ end $$;
insert into t values (4, '
\restrict x
', null);
comment on table t is 'see \dt, ${'$'}{HOME}, :id';
`,
  })
  expect(result.error?.message).toBeUndefined()
  expect((await database.query(`select "a:b" as text from t order by id`)).rows.map(row => row.text)).toEqual([
    '\\connect ${x} {% if %} <% erb %>',
    "it's :here \\i",
    '\n\\copy t from x\nGO\ncopy t from stdin;\n',
    '\n\\restrict x\n',
  ])
})

// Otherwise the mustache in the string is blamed for the missing parenthesis.
test('a rightful text in a string is not blamed for an error elsewhere', async ({ database }) => {
  const error = await failure(database, { '1_x.sql': `select ('{{ x }} :y \\z ${'$'}{w}' ;` })
  expect(error.message).toContain('syntax error at or near ";"')
  expect(error.message).not.toMatch(/template|psql|placeholder/)
})

test('a file that takes the ledger away is not told of a syntax error', async ({ database }) => {
  const error = await failure(database, { '1_x.sql': 'create table a (id int);\ndrop schema schemagate cascade;' })
  expect(error.message).toMatch(
    /^1_x failed: relation "schemagate\.ledger" does not exist, when the ledger was written after it \(42P01\)\n1_x was rolled back/,
  )
  expect(await tables(database)).toEqual([])
})

describe('in code', () => {
  test('an error that the module catches is told all the same, since nothing can follow it', async ({ database }) => {
    const error = await failure(database, {
      '1_x.mjs':
        'export const up = async ({ query }) => {\n  await query("create table a (id int)")\n  await query("select nope").catch(() => {})\n}\n',
    })
    expect(error.message).toMatch(/^1_x failed at 1_x\.mjs:3:3: column "nope" does not exist \(42703\)/)
    expect(error.message).toContain('The module caught this error and went on')
    expect(await tables(database)).toEqual([])
  })

  test('an error has its place in the module, and the statement with the place in that', async ({ database }) => {
    const dir = await folder({
      '1_x.ts': `type Context = { query(text: string): Promise<unknown> }\n\nexport async function up({ query }: Context): Promise<void> {\n  await query('create table a (id int)')\n  await query("insert into a\\n (nope, password) values ('é', password 'hunter22')")\n}\n`,
    })
    const { code, lines } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(code).toBe(5)
    const line = lines.find(({ level }) => level === 'error')
    expect(line).toMatchObject({ migration: '1_x', file: join(dir, '1_x.ts'), line: 5, column: 3 })
    expect(line?.msg).toContain('1_x failed at 1_x.ts:5:3: ')
    expect(line?.msg).toContain('> 2 |  (nope, password)')
    expect(JSON.stringify(lines)).not.toContain('hunter22')
    expect(await tables(database)).toEqual([])
  })

  test.for([
    [
      'an exception',
      'export const up = () => {\n  throw new Error("no way")\n}',
      5,
      /1_x failed at 1_x\.mjs:2:9: no way\n1_x was rolled back/,
      2,
      9,
    ],
    [
      'something thrown that is no error',
      'export const up = () => {\n  throw "a word"\n}',
      5,
      /1_x failed: a word\n/,
      undefined,
      undefined,
    ],
    [
      'an object thrown that is no error',
      'export const up = () => {\n  throw { reason: "a word" }\n}',
      5,
      /1_x failed: \{ reason: 'a word' \}\n/,
      undefined,
      undefined,
    ],
    [
      'a COMMIT of its own',
      'export const up = ({ query }) => query("commit")',
      5,
      /ended its own transaction/,
      undefined,
      undefined,
    ],
    [
      'a syntax error',
      'export const up = () => {\n  const é = "😀"; const = 1\n}',
      2,
      /cannot be loaded: Unexpected token/,
      2,
      24,
    ],
    [
      'an import that is not there',
      'import x from "./nope.js"\nexport const up = x',
      2,
      /cannot be loaded: Cannot find module/,
      undefined,
      undefined,
    ],
    [
      'an error while it is loaded',
      '\nthrow new Error("early")',
      2,
      /1_x\.mjs, line 2, column 7 cannot be loaded: early/,
      2,
      7,
    ],
    [
      'the API of Knex',
      "export const up = knex =>\n  knex.schema.createTable('a', t => t.increments())",
      5,
      /1_x failed at 1_x\.mjs:2:15: .*'createTable'\)\n {2}It looks like a migration for Knex, .*query\(sql, values\)/,
      2,
      15,
    ],
    [
      'the API of db-migrate',
      'export const up = (db, callback) =>\n  db.runSql("create table b (id int)", callback)',
      5,
      /db\.runSql is not a function\n {2}It looks like a migration for db-migrate, .*query\(sql, values\)/,
      2,
      6,
    ],
    [
      'a class of TypeORM',
      'export class X { async up(queryRunner) { await queryRunner.query("select 1") } }',
      2,
      /exports no function `up`: .* It looks like a migration for TypeORM,/,
      undefined,
      undefined,
    ],
    [
      'an import of Kysely, which is not there',
      "import { sql } from 'kysely'\nexport const up = db => sql`select 1`.execute(db)",
      2,
      /cannot be loaded: Cannot find package 'kysely'.*\. It looks like a migration for Kysely,/,
      undefined,
      undefined,
    ],
    ['no up', 'export const upp = () => {}', 2, /exports no function `up`/, undefined, undefined],
  ] as const)('%s', async ([, text, exitCode, message, line, column], { database }) => {
    const dir = await folder({ '0_ok.sql': 'create table a (id int);', '1_x.mjs': text })
    const { code, lines } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(code).toBe(exitCode)
    const error = lines.find(({ level }) => level === 'error')
    expect(error?.msg).toMatch(message)
    expect([error?.line, error?.column]).toEqual([line, column])
    // what cannot be loaded is found before anything is applied
    expect(await tables(database)).toEqual(exitCode === 2 ? [] : ['a'])
  })
})

describe('as it is printed', () => {
  const files = {
    '0001_users.sql': 'create table users (id int);\n',
    '0002_größe.sql': "-- Größen\n\tinsert into users select '日本🎉' || 1,\tnope from users;\n\nselect 1;\n",
  }

  test('a JSON line has err, migration, file, line, column and excerpt', async ({ database }) => {
    const dir = await folder(files)
    const { code, stdout, stderr, lines } = await schemagate(['up', '--dir', dir], {
      env: { DATABASE_URL: database.url },
    })
    expect(code).toBe(5)
    expect(stderr).toBe('')
    expect(stdout.trimEnd().split('\n')).toHaveLength(lines.length)
    const errors = lines.filter(({ level }) => level === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({
      level: 'error',
      migration: '0002_größe',
      file: join(dir, '0002_größe.sql'),
      line: 2,
      column: 39,
      err: { type: 'MigrationFailedError', exitCode: 5, cause: { code: '42703', severity: 'ERROR' } },
    })
    expect(errors[0]!.excerpt).toBe(
      [
        '  1 | -- Größen',
        "> 2 | \tinsert into users select '日本🎉' || 1,\tnope from users;",
        `    | \t${' '.repeat("insert into users select '".length)}${' '.repeat(6)}${' '.repeat("' || 1,".length)}\t^`,
        '  3 |',
      ].join('\n'),
    )
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', applied: 1, exitCode: 5, head: '0001_users' })
  })

  test('a terminal shows the SQL line with the caret under the error', async ({ database }) => {
    const dir = await folder(files)
    const { stdout, stderr } = await schemagate(['up', '--dir', dir], {
      env: { DATABASE_URL: database.url, LOG_FORMAT: 'pretty' },
    })
    expect(stderr).toBe('')
    const lines = stdout.split('\n')
    const at = lines.findIndex(line => line.startsWith('> 2 | '))
    expect(lines[at - 3]).toMatch(
      /ERROR: 0002_größe failed at 0002_größe\.sql:2:39: column "nope" does not exist \(42703\)$/,
    )
    expect(lines[at - 2]).toBe(
      '0002_größe was rolled back; the database is as it was before it. Correct the file and run `schemagate up` again.',
    )
    // on a terminal the three wide characters take two columns each
    const width = (text: string) =>
      [...text].reduce((sum, c) => sum + (/[日本🎉]/u.test(c) ? 2 : c === '\t' ? 8 - (sum % 8) : 1), 0)
    expect(width(lines[at + 1]!.slice(0, lines[at + 1]!.indexOf('^')))).toBe(
      width(lines[at]!.slice(0, lines[at]!.indexOf('nope'))),
    )
    expect(lines.at(-2)).toMatch(/INFO: failed: 1 applied; the head is 0001_users \(.*exit code 5\)$/)
  })

  test('a password in the SQL is not shown', async ({ database }) => {
    const dir = await folder({ '1_x.sql': "create role nobody login password 'hunter''22' nonsense;\n" })
    for (const LOG_FORMAT of ['json', 'pretty']) {
      const { code, stdout } = await schemagate(['up', '--dir', dir], {
        env: { DATABASE_URL: database.url, LOG_FORMAT },
      })
      expect(code).toBe(5)
      expect(stdout).toContain('nonsense')
      expect(stdout).not.toMatch(/hunter|'22/)
      expect(stdout).toContain(`password '${'*'.repeat(10)}' nonsense;`)
    }
    expect(await readFile(join(dir, '1_x.sql'), 'utf8')).toContain('hunter')
  })
})
