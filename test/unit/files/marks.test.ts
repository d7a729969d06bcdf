// The marks of a migration file: ours, and those of the tools whose layouts are read.

import { expect, test } from 'vitest'
import { UsageError } from '../../../migrator/errors.ts'
import { readDownMarks, readMarks, readParts } from '../../../migrator/files/marks.ts'

const part = (source: string) => {
  const { up, down } = readParts('f.sql', source)
  return { up: source.slice(up.start, up.end).trim(), down: down && source.slice(down.start, down.end).trim() }
}

test.for([
  ['none: all of it is up', 'select 1;\n-- a comment\n', 'select 1;\n-- a comment', undefined],
  ['up and down', '-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n', 'select 1;', 'select 2;'],
  [
    'with comments and blanks before',
    '-- about\n\n/* more\n-- migrate:down\n*/\n  --migrate:up\nselect 1;',
    'select 1;',
    undefined,
  ],
  [
    'with a line in a string that looks like a comment without an end',
    "insert into paths values (E'\n/*.html\n');\n---- create above / drop below ----\ndrop table paths;",
    "insert into paths values (E'\n/*.html\n');",
    'drop table paths;',
  ],
  ['with a carriage return for a line end', 'select 1;\r-- rambler down\rselect 2;\r', 'select 1;', 'select 2;'],
  [
    'Play, with apostrophes in its comments',
    "# it's\n# --- !Ups\nselect 1;\n# that's\n# --- !Downs\nselect 2;",
    "select 1;\n# that's",
    'select 2;',
  ],
  ['down without up: what stands before it is up', 'select 1;\n-- migrate:down\nselect 2;', 'select 1;', 'select 2;'],
  ['an empty down part', '-- migrate:up\nselect 1;\n-- migrate:down', 'select 1;', ''],
  [
    'goose',
    '-- +goose Up\n-- +goose StatementBegin\nselect 1;\n-- +goose StatementEnd\n-- +goose Down\nselect 2;',
    '-- +goose StatementBegin\nselect 1;\n-- +goose StatementEnd',
    'select 2;',
  ],
  ['sql-migrate', '-- +migrate Up\nselect 1;\n-- +migrate Down\nselect 2;', 'select 1;', 'select 2;'],
  [
    'sql-migrate, with several parts of one direction',
    '-- +migrate Up\nselect 1;\n-- +migrate Up notransaction\nselect 2;\n-- +migrate Down\nselect 3;\n-- +migrate Down\nselect 4;',
    'select 1;\n-- +migrate Up notransaction\nselect 2;',
    'select 3;\n-- +migrate Down\nselect 4;',
  ],
  ['node-pg-migrate', '-- Up Migration\nselect 1;\n---- Down Migration\nselect 2;', 'select 1;', 'select 2;'],
  [
    'tern',
    'select 1;\n\n---- create above / drop below ----\n\nselect 2;\n-- Write your migrate down statements here.',
    'select 1;',
    'select 2;\n-- Write your migrate down statements here.',
  ],
  ['MyBatis', '-- // first\n-- more\nselect 1;\n-- //@UNDO\nselect 2;', '-- // first\n-- more\nselect 1;', 'select 2;'],
  ['rambler', '-- rambler up\nselect 1;\n-- rambler down\nselect 2;', 'select 1;', 'select 2;'],
  [
    'no mark in the body of a function',
    'create function f() returns void as $$\n-- migrate:down\n$$ language sql;\n-- migrate:down\nselect 2;',
    'create function f() returns void as $$\n-- migrate:down\n$$ language sql;',
    'select 2;',
  ],
  [
    'no mark in a string, or in a comment that begins behind SQL',
    "select '\n-- +goose Down\n' /*\n-- +goose Down\n*/;\n-- +goose Down\nselect 2;",
    "select '\n-- +goose Down\n' /*\n-- +goose Down\n*/;",
    'select 2;',
  ],
  [
    'no mark in the data of a COPY',
    'copy t from stdin;\n-- migrate:down\n\\.\nselect 1;\n-- migrate:down\nselect 2;',
    'copy t from stdin;\n-- migrate:down\n\\.\nselect 1;',
    'select 2;',
  ],
  [
    'data never closed hides no mark',
    'copy t from stdin;\n-- migrate:down\nselect 2;',
    'copy t from stdin;',
    'select 2;',
  ],
  ['a quote never closed hides no mark', "select 'a;\n-- migrate:down\nselect 2;", "select 'a;", 'select 2;'],
  [
    'words in a line of SQL are no marks',
    "select '-- migrate:down';\nselect 2; -- migrate:down",
    "select '-- migrate:down';\nselect 2; -- migrate:down",
    undefined,
  ],
] as const)('parts: %s', ([, source, up, down]) => {
  expect(part(source)).toEqual({ up, down })
})

test.for([
  ['-- migrate:up\nselect 1;', {}],
  ['-- migrate:up transaction:false\nselect 1;', { transaction: false }],
  ['-- migrate:up transaction:true\nselect 1;', {}],
  ['-- schemagate:breaking\n-- migrate:up\nselect 1;', { breaking: true }],
  ['-- migrate:up\n-- schemagate:breaking\nselect 1;', { breaking: true }],
  [
    '-- schemagate:lock-timeout 10s\n-- schemagate:statement-timeout 1h\nselect 1;',
    { lockTimeout: 10_000, statementTimeout: 3_600_000 },
  ],
  ['-- +goose NO TRANSACTION\n-- +goose Up\nselect 1;', { transaction: false }],
  ['-- +migrate Up notransaction\nselect 1;', { transaction: false }],
  ['-- +migrate Up\nselect 1;\n-- +migrate Up notransaction\nselect 2;', { transaction: false }],
  ['-- no-transaction\nselect 1;', { transaction: false }],
  ['--! Previous: -\n--! Hash: sha1:00\n\n--! no-transaction\nselect 1;', { transaction: false }],
  ['-- atlas:txmode none\n\nselect 1;', { transaction: false }],
  ['-- postgres-migrations disable-transaction\nselect 1;', { transaction: false }],
  ['-- morph:nontransactional\nselect 1', { transaction: false }],
  ['-- atlas:txmode file\n\nselect 1;', {}],
  ['\r\n-- schemagate:breaking\r\nselect 1;\r\n', { breaking: true }],
] as const)('%j', ([source, marks]) => {
  expect(readParts('f.sql', source).up.marks).toEqual({ transaction: true, breaking: false, ...marks })
})

test('each part has its own transaction', () => {
  const { up, down } = readParts('f.sql', '-- migrate:up transaction:false\nselect 1;\n-- migrate:down\nselect 2;')
  expect([up.marks.transaction, down?.marks.transaction]).toEqual([false, true])
})

test.for([
  ['-- Down Migration\nselect 1;', {}],
  ['-- Up Migration\nselect 1;\n-- Down Migration\nselect 2;\n-- Down Migration\nselect 3;', {}],
  ['-- migrate:down transaction:false\nselect 1;', { transaction: false }],
  ['-- schemagate:lock-timeout 1s\nselect 1;', { lockTimeout: 1_000 }],
] as const)('a file that is all down is not divided: %j', ([source, marks]) => {
  expect(readDownMarks('f.down.sql', source)).toEqual({ transaction: true, breaking: false, ...marks })
})

test('code has its marks in its own comments', () => {
  const source = '// migrate:up transaction:false\n// schemagate:breaking\n/** docs */\nexport const up = () => {}\n'
  expect(readMarks('f.ts', source)).toEqual({ transaction: false, breaking: true })
  // what is a quote in SQL is none in a comment of code
  expect(readMarks('f.ts', `// it's loose\n${source}const sql = 'select 1'\n`)).toEqual({
    transaction: false,
    breaking: true,
  })
})

test.for([
  ['an unknown option', '-- migrate:up transactions:false\nselect 1;', 1, 'unknown option `transactions:false`'],
  ['an unknown mark', '-- migrate:upp\nselect 1;', 1, 'unknown mark `-- migrate:upp`'],
  ['a misspelt down mark', '-- migrate:up\nselect 1;\n-- migrate:dwn\nselect 2;', 3, 'Did you mean migrate:down?'],
  [
    'a misspelt down mark of goose',
    '-- +goose Up\nselect 1;\n-- +goose Donw\nselect 2;',
    3,
    'Did you mean +goose down?',
  ],
  ['an unknown mark of ours', '\n-- schemagate:breking\nselect 1;', 2, 'Did you mean schemagate:breaking?'],
  ['a second up part', '-- migrate:up\nselect 1;\n-- migrate:up\nselect 2;', 3, 'a second mark'],
  ['up again after down', '-- +goose Up\n-- +goose Down\n-- +goose Up\n', 3, 'a second mark'],
  ['marks of two tools', '-- +migrate Down\n-- +migrate Up\n-- +goose Up\n', 3, 'a second mark'],
  ['a second down part', '-- migrate:up\n-- migrate:down\n-- migrate:down\n', 3, 'a second mark'],
  ['up after down', '-- migrate:down\nselect 1;\n-- migrate:up\nselect 2;', 3, 'the up part comes after the down part'],
  ['SQL before up, behind a comment', '/* a */ select 1;\n-- migrate:up\nselect 2;', 1, 'belongs to no part'],
  [
    'SQL before up, behind a longer one',
    '-- a\n/* a\n*/ select 1;\n-- migrate:up\nselect 2;',
    3,
    'the SQL before `-- migrate:up` belongs to no part',
  ],
  ['SQL before up', 'select 1;\n-- migrate:up\nselect 2;', 1, 'the SQL before `-- migrate:up` belongs to no part'],
  ['down alone', '-- migrate:down\nselect 1;', 1, 'a down part but no up part'],
  ['a mark after SQL', 'select 1;\n-- schemagate:breaking\n', 2, 'comes after SQL'],
  ['a duration that is none', '-- schemagate:lock-timeout soon\nselect 1;', 1, '`soon` is not a duration'],
  ['a value where none is taken', '-- schemagate:breaking yes\nselect 1;', 1, 'takes no value'],
] as const)('refused with file and line: %s', ([, source, line, message]) => {
  expect(() => readParts('f.sql', source)).toThrow(UsageError)
  expect(() => readParts('f.sql', source)).toThrow(`f.sql, line ${line}: `)
  expect(() => readParts('f.sql', source)).toThrow(message)
})
