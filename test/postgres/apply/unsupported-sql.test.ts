// What no server understands is refused before anything is applied; the same characters in SQL are not.

import { describe, expect } from 'vitest'
import { UsageError } from '../../../migrator/index.ts'
import { test } from '../../helpers/database.ts'
import { failure, tables, up } from './failing-runs.ts'

describe('what no server understands is refused before anything is applied', () => {
  const foreign: readonly (readonly [string, string, string, number, number])[] = [
    ['\\connect', 'select 1;\n\\connect other\n', '`\\connect` is a command of psql', 2, 1],
    ['pg_dump --create', 'create database x;\n\\connect x\n', 'remove it, and a CREATE DATABASE before it', 2, 1],
    ['\\c after blanks', '  \\c other', 'remove it', 1, 3],
    ['\\i', '\\i other.sql', 'Copy the included file into this one', 1, 1],
    ['\\ir', 'select 1;\n\\ir other.sql', 'Copy the included file into this one', 2, 1],
    ['\\copy', '\\copy t from t.csv csv', 'a command of psql', 1, 1],
    ['\\if', 'select 1;\n\\if true\nselect 2;\n\\endif\n', 'Remove it, or run that file with psql', 2, 1],
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
      "SQL Server's batch separator, which Postgres does not know. Remove it",
      2,
      1,
    ],
    [
      'strings whose backslashes escape by a SET',
      "SET standard_conforming_strings = off;\nselect 'a', E'b\\'c', 'd\\'e;';",
      "Write E'...' here",
      2,
      22,
    ],
    ["MySQL's DELIMITER", 'delimiter //\nselect 1//', 'Remove it, and end each statement with a semicolon', 1, 1],
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
    [
      'a comment without an end, where the server would not see it',
      'create table x (id int);\nvacuum a; /* one\nselect 1;',
      'the comment that begins here is never closed: */ is missing',
      2,
      11,
    ],
  ] as const)('%s', async ([, text, message, line, column], { database }) => {
    const { error, exitCode } = await up(database, { '1_ok.sql': 'create table a (id int);', '2_x.sql': text })
    expect(exitCode, error?.message).toBe(2)
    expect(error).toMatchObject({ place: { line, column } })
    expect(error?.message).toContain(message)
    expect(await tables(database)).toEqual([])
  })

  test.for([
    ['a no-break space', 'create\u00a0table b ();', 'U+00A0 is a space or line end of another kind'],
    ['a mark that is not seen', 'create table a ();\n\u200bcreate table b ();', 'U+200B is a mark that is not seen'],
    ['a quotation mark', 'select \u2018a\u2019;\nselect b from;', "U+2018 is a word processor's quotation mark"],
    ['a dash', 'create table b ();\n\u2013 a comment\n', "U+2013 is a word processor's dash"],
  ] as const)('of a word processor: %s is named', async ([, text, message], { database }) => {
    expect((await failure(database, { '1_x.sql': text })).message).toContain(message)
  })

  test('such characters in strings, names and comments are not', async ({ database }) => {
    const text = `select '\u2018', 1 as "\u00a0"; -- \u2013\nselect 1 frm x;`
    expect((await failure(database, { '1_x.sql': text })).message).not.toContain('U+')
  })

  test("Flyway's placeholders, also inside strings, where Flyway fills them in", async ({ database }) => {
    const files = { 'V1__x.sql': "create table a (owner text default '${owner}');" }
    const { error, exitCode } = await up(database, files)
    expect(exitCode).toBe(2)
    expect(error?.message).toMatch(/`\$\{owner\}` is a placeholder of Flyway.*--layout native/)
    expect((await up(database, files, 'native')).exitCode).toBe(0)
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

test('what says how strings are read is taken where no string depends on it', async ({ database }) => {
  const result = await up(database, {
    '1_old_dump.sql': `SET standard_conforming_strings = off;\nselect 'a', E'b\\'c', $$\\$$; -- '\\'\n`,
    '2_on.sql': `SET standard_conforming_strings TO 'on';\ncreate table t as select '\\d' as b;`,
    '3_on_again.sql': `set standard_conforming_strings = off;\nset standard_conforming_strings = on;\nselect '\\';`,
    '4_reset.sql': `set standard_conforming_strings = off;\nreset standard_conforming_strings;\nselect '\\';`,
  })
  expect(result.error?.message).toBeUndefined()
  expect((await database.query('select b from t')).rows).toEqual([{ b: '\\d' }])
})

// Otherwise the mustache in the string is blamed for the missing parenthesis.
test('a rightful text in a string is not blamed for an error elsewhere', async ({ database }) => {
  const error = await failure(database, { '1_x.sql': `select ('{{ x }} :y \\z ${'$'}{w}' ;` })
  expect(error.message).toContain('syntax error at or near ";"')
  expect(error.message).not.toMatch(/template|psql|placeholder/)
})

test("a column called delimiter is not taken for MySQL's DELIMITER where there is an error elsewhere", async ({
  database,
}) => {
  const error = await failure(database, { '1_x.sql': 'create table t (\n  id int,\n  delimiter text,\n);' })
  expect(error.message).toContain('syntax error at or near ")"')
  expect(error.message).not.toContain('MySQL')
})
