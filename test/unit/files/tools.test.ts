// Tool by tool: whose folder it is, in which order its files are run, and in which parts, as the tool's own source has it.

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readFolder } from '../../../migrator/files/folder.ts'
import { layouts, toolsWithTable } from '../../../migrator/files/tools/index.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { downSql, type Files, journal, marked, named, read, upSql } from '../../helpers/tool-folders.ts'

/** A row's first word, as `--layout` takes it. */
const nameOf = (row: string) => /^[\w-]+/.exec(row)![0]

describe('order', () => {
  const goose = marked('-- +goose Up', '-- +goose Down')
  const cases: readonly (readonly [tool: string, files: Files, order: readonly string[], layout?: string])[] = [
    ['native', named(['2_b.sql', '10_c.sql', '010_d.sql', '1_a.sql']), ['1_a', '2_b', '010_d', '10_c']],
    ['dbmate', named(['2_b.sql', '10_c.sql', '1_a b.sql', '1_a.sql']), ['10_c', '1_a b', '1_a', '2_b'], 'dbmate'],
    [
      'golang-migrate',
      named(['2_b.up.sql', '10_c.up.sql', '000001_a.up.sql', '10_c.down.sql']),
      ['000001_a', '2_b', '10_c'],
    ],
    [
      'goose',
      named(['00002_b.sql', '10_c.sql', '1_a.sql', '20240101000000_d.sql'], goose),
      ['1_a', '00002_b', '10_c', '20240101000000_d'],
    ],
    [
      'sql-migrate',
      named(
        ['20130107-b.sql', '20130106-a b.sql', '20130106-a.sql', '9-z.sql'],
        marked('-- +migrate Up', '-- +migrate Down'),
      ),
      ['9-z', '20130106-a b', '20130106-a', '20130107-b'],
    ],
    [
      'node-pg-migrate',
      // 17 digits are a date written out: 2020-05-13, between two times in milliseconds
      named(
        ['1600000000000_c.sql', '20200513070724505_b.sql', '1500000000000_a.sql'],
        marked('-- Up Migration', '-- Down Migration'),
      ),
      ['1500000000000_a', '20200513070724505_b', '1600000000000_c'],
    ],
    [
      'prisma',
      named(['20241231_c/migration.sql', '20240915000000_a/migration.sql', '202409150001_b/migration.sql']),
      ['20240915000000_a', '202409150001_b', '20241231_c'],
    ],
    [
      'prisma, with a folder that is named as a file',
      named(['20240101000000_a/migration.sql', '20240102000000_b.sql/migration.sql']),
      ['20240101000000_a', '20240102000000_b.sql'],
    ],
    [
      'prisma, with its lock and a folder without a number',
      {
        ...named(['init/migration.sql', '2_b/migration.sql', '10_a/migration.sql']),
        'migration_lock.toml': 'provider = "postgresql"',
      },
      ['10_a', '2_b', 'init'],
    ],
    [
      'diesel',
      named([
        '20241231_c/up.sql',
        '2024-09-15-000000_a/up.sql',
        '20240915000001_b/up.sql',
        '2024-09-15-000000-0000_d/up.sql',
        '2024-12-30-000000_e/up.sql',
      ]),
      // without its dashes the date of e comes after that of b
      ['2024-09-15-000000_a', '2024-09-15-000000-0000_d', '20240915000001_b', '2024-12-30-000000_e', '20241231_c'],
    ],
    [
      'hasura',
      named(['1700000000001_b/up.sql', '1600000000000_a/up.sql', '1700000000002/up.sql']),
      ['1600000000000_a', '1700000000001_b', '1700000000002'],
    ],
    ['sqlx', named(['2_b.sql', '10_c.sql', '1_a.up.sql']), ['1_a', '2_b', '10_c'], 'sqlx'],
    [
      'flyway',
      named(['V1.10__c.sql', 'V1.9__b.sql', 'V1__a.sql', 'V2_1__e.sql', 'V2__d.sql', 'R__z.sql', 'V10__f.sql']),
      ['V1__a', 'V1.9__b', 'V1.10__c', 'V2__d', 'V2_1__e', 'V10__f', 'R__z'],
    ],
    ['refinery', named(['V2__b.sql', 'U10__c.sql', 'V1__a.sql']), ['V1__a', 'V2__b', 'U10__c'], 'refinery'],
    [
      'atlas',
      { ...named(['20241231_c.sql', '20240915000000_a.sql', '20240915000001.sql']), 'atlas.sum': 'h1:x' },
      ['20240915000000_a', '20240915000001', '20241231_c'],
    ],
    [
      'drizzle, by its journal',
      {
        ...named(['0002_b.sql', '0000_c.sql', '0001_a.sql']),
        'meta/_journal.json': journal('0001_a', '0000_c', '0002_b'),
      },
      ['0001_a', '0000_c', '0002_b'],
    ],
    [
      'drizzle 1.0',
      named([
        '20241231_b/migration.sql',
        '20241231_b/snapshot.json',
        '20240915000000_a/migration.sql',
        '20240915000000_a/snapshot.json',
      ]),
      ['20240915000000_a', '20241231_b'],
    ],
    ['graphile-migrate', named(['000002.sql', '000010-x.sql', '000001.sql']), ['000001', '000002', '000010-x']],
    ['postgres-migrations', named(['2_b.sql', '10_c.sql', '1-a.sql']), ['1-a', '2_b', '10_c']],
    [
      'postgrator',
      named(['002.do.b.sql', '10.do.c.sql', '1.do.sql', '10.undo.c.sql']),
      ['1.do', '002.do.b', '10.do.c'],
    ],
    ['play', named(['2.sql', '1.sql', '3.sql'], marked('# --- !Ups', '# --- !Downs')), ['1', '2', '3']],
    [
      'tern',
      named(['002_b.sql', '10_c.sql', '1_a.sql'], marked('', '---- create above / drop below ----')),
      ['1_a', '002_b', '10_c'],
    ],
    ['mybatis', named(['20240102_b.sql', '20240101_a.sql'], marked('', '-- //@UNDO')), ['20240101_a', '20240102_b']],
    [
      'rambler',
      named(['2_b.sql', '10_c.sql', '1_a.sql'], marked('-- rambler up', '-- rambler down')),
      ['10_c', '1_a', '2_b'],
    ],
    ['morph', named(['000002_b.up.sql', '000001_a.up.sql']), ['000001_a', '000002_b'], 'morph'],
    ['supabase', named(['20241231_b.sql', '20240915000000_a.sql']), ['20240915000000_a', '20241231_b'], 'supabase'],
    [
      'cigogne',
      named(
        ['20240102000000-b.sql', '20240101000000-a.sql'],
        `${marked('--- migration:up', '--- migration:down')}--- migration:end\n`,
      ),
      ['20240101000000-a', '20240102000000-b'],
    ],
  ]

  test.for(cases)('%s', async ([tool, files, order, layout]) => {
    expect((await read(files, layout)).names).toEqual(order)
    // many a folder is read as schemagate's own until its tool is named
    expect((await read(files, nameOf(tool))).names).toEqual(order)
  })

  test('every tool that is read has its place in this table', () => {
    const rows = new Set(cases.map(([tool]) => nameOf(tool)))
    expect(layouts.map(({ name }) => name).filter(name => !rows.has(name) && name !== 'micrate')).toEqual([])
  })

  test.for([
    ['prisma', named(['20240101000000_café/migration.sql'.normalize('NFD'), 'migration_lock.toml'])],
    ['diesel', named(['2024-01-01-000000_café/up.sql'.normalize('NFD')])],
    [
      'drizzle',
      { ...named(['0_café.sql'.normalize('NFD')]), 'meta/_journal.json': journal('0_café'.normalize('NFD')) },
    ],
    ['postgrator', named(['1.do.café.sql'.normalize('NFD')])],
    ['flyway', named(['B1__café.sql'.normalize('NFD')])],
    ['refinery', named(['U1__café.sql'.normalize('NFD')])],
    ['native', named(['1_café.sql'.normalize('NFD')])],
  ] as const)('of names does not depend on the form in which a file system has them: %s', async ([layout, files]) => {
    for (const tool of [layout, undefined])
      if (layout !== 'refinery' || tool !== undefined) expect((await read(files, tool)).names[0]).toMatch(/café$/)
  })

  test.for([
    ['a day after a second', ['20240101000000_init.sql', '20250315_mode.sql'], [1, 0]],
    ['the same day', ['20240101_a.sql', '20240101000000_b.sql'], [1, 0]],
    ['a day after milliseconds', ['1700000000000_a.sql', '20240101_b.sql'], [1, 0]],
    ['of code and of a folder', ['20240101000000_a.mjs', '20250315_b/up.sql', '20260101_c.sql'], [1, 2, 0]],
    ['beside other numbers', ['20240101000000_init.sql', '20250315_mode.sql', '2_x.sql'], [undefined, 1, 0]],
    [
      'in one order',
      ['20240101_a.sql', '20240201000000_b.sql', '20240301000000_c.sql'],
      [undefined, undefined, undefined],
    ],
    ['no dates', ['2_a.sql', '10_b.sql', '20249999_c.sql', '100000000000_d.sql'], Array(4).fill(undefined)],
    ["of folders, which need not be Diesel's", ['1_a/up.sql', '2_b/up.sql', '10_c/up.sql'], [0, 2, 1]],
    [
      "of folders, beside Diesel's settings",
      ['1_a/up.sql', '2_b/up.sql', '10_c/up.sql', '.diesel_lock'],
      Array(3).fill(undefined),
    ],
    ['of versions', ['1.9_a.sql', '1.10.1_b.sql', '2_c.sql', '1_x.sql', 'R__v.sql'], [2, 1, 0, 3, 4]],
    ['of versions in folders', ['1.9.0/up.sql', '1.10.0/up.sql'], [1, 0]],
    ["of Flyway's versions without its prefix", ['1_9__a.sql', '1_10__b.sql'], [1, 0]],
    ['of versions in one order', ['1.1_a.sql', '1.2_b.sql', '2.0_c.sql'], Array(3).fill(undefined)],
    [
      'in pairs, which no tool orders as text',
      ['20240101000000_a.up.sql', '20250315_b.up.sql'],
      [undefined, undefined],
    ],
  ] as const)('of numbers and of names differ for dates of several lengths: %s', async ([, names, places]) => {
    const { migrations } = await read(named(names))
    expect(migrations.map(({ otherPlace }) => otherPlace)).toEqual(places)
    const decided = await read(named(names), 'native')
    expect(decided.migrations.flatMap(({ otherPlace }) => otherPlace ?? [])).toEqual([])
  })

  test('that a file itself says is held against that of the numbers', async () => {
    const doubts = async (files: Files) => (await read(files)).migrations.map(({ doubt }) => doubt)
    const yoyo = {
      '1.a.sql': 'select 1;\n',
      '2.b.sql': '-- b\n-- depends: 1.a 3.c\n\nselect 2;\n',
      '3.c.sql': 'select 3;\n',
    }
    expect(await doubts(yoyo)).toEqual([
      undefined,
      expect.stringMatching(/2\.b\.sql says that it depends on 3\.c\.sql, which comes after it/),
      undefined,
    ])
    const kept = { ...yoyo, '2.b.sql': '-- Depends: x\n-- depends: 1.a.sql\nselect 1;\n-- depends: 3.c\n' }
    expect(await doubts(kept)).toEqual([undefined, undefined, undefined])
  })

  test.for([
    ['1_a/metadata.yaml', 'name: a\nparents: [2, 3]\n'],
    ['1_a/metadata.yaml', 'parents:\n  - 2\nname: a\n'],
    ['1_a/migration.ini', '[nomad]\ndependencies = 0_x, 2_b\n'],
    ['1_a/migration.ini', '[nomad]\ndependencies =\n  2_b\n'],
  ] as const)('that a file beside it says is held against that of the numbers: %s', async ([file, text]) => {
    const both = named(['1_a/up.sql', '2_b/up.sql'])
    const doubts = async (files: Files) => (await read(files)).migrations.map(({ doubt }) => doubt)
    const told = new RegExp(`${file} says that it depends on 2_b, which comes after it`)
    expect(await doubts({ ...both, [file]: text })).toEqual([expect.stringMatching(told), undefined])
    const after = { ...both, [file.replace('1_a', '2_b')]: text.replaceAll('2', '1').replace('1_b', '1_a') }
    expect(await doubts(after)).toEqual([undefined, undefined])
    expect((await read({ ...both, [file]: text }, 'native')).migrations[0]!.doubt).toBeUndefined()
  })

  test('of one environment alone, a file is not run in every one', async () => {
    const files = named(['1_a.sql', '2_b.TEST.ENV.sql', '3_c.ENV.PROD.sql', '4_env.sql'])
    const doubts = async (layout?: string) => (await read(files, layout)).migrations.map(({ doubt }) => doubt)
    const told = expect.stringMatching(/is for one environment alone.*--ignore '[23]_/)
    expect(await doubts()).toEqual([undefined, told, told, undefined])
    expect(await doubts('native')).toEqual([undefined, undefined, undefined, undefined])
  })

  test('that is for each time, a file is not run once', async () => {
    const files = named(['1_a.sql', '2_b.EVERYTIME.sql', '3_everytime.sql'])
    const doubts = async (layout?: string) => (await read(files, layout)).migrations.map(({ doubt }) => doubt)
    expect(await doubts()).toEqual([undefined, expect.stringMatching(/run each time.*Name it R__NAME\.sql/), undefined])
    expect(await doubts('native')).toEqual([undefined, undefined, undefined])
  })

  test('of tern, two of one version are refused', async () => {
    const text = 'select 1;\n---- create above / drop below ----\n'
    const marked = { '1_a.sql': text, '1_b.sql': text, '2_c.sql': text }
    await expect(read(marked)).rejects.toThrow(/1_a\.sql and .*1_b\.sql have the same version, which tern refuses/)
    expect((await read(marked, 'native')).names).toEqual(['1_a', '1_b', '2_c'])
  })

  test('of Supabase is that of its project, whose settings are beside the folder', async () => {
    const files = {
      ...named([
        'supabase/migrations/20240101000000_init.sql',
        'supabase/migrations/20250315_mode.sql',
        'supabase/migrations/notes.sql',
      ]),
      'supabase/config.toml': '# x\nproject_id = "shop"\n\n[db]\nport = 54322\n',
    }
    const dir = join(await folder(files), 'supabase/migrations')
    expect(readFolder(dir).map(({ name, otherPlace }) => [name, otherPlace])).toEqual([
      ['20240101000000_init', undefined],
      ['20250315_mode', undefined],
    ])
    await write(dir, { '../config.toml': 'title = "x"\n' })
    expect(() => readFolder(dir)).toThrow(/notes\.sql is not a migration/)
  })

  test('of dbmate and of schemagate differ only where a folder could be of either: then each has both places', async () => {
    const both = marked('-- migrate:up', '-- migrate:down')
    const places = async (files: Files, layout?: string) =>
      (await read(files, layout)).migrations.map(({ name, otherPlace }) => [name, otherPlace])
    const files = named(['1_a.sql', '2_b.sql', '10_c.sql'], both)
    expect(await places(files)).toEqual([
      ['1_a', 1],
      ['2_b', 2],
      ['10_c', 0],
    ])
    expect(await places(files, 'native')).toEqual([
      ['1_a', undefined],
      ['2_b', undefined],
      ['10_c', undefined],
    ])
    expect((await read(files, 'dbmate')).names).toEqual(['10_c', '1_a', '2_b'])
    // one without a way back is not dbmate's
    expect((await places({ ...files, '3_d.sql': 'select 1;\n' })).map(([, place]) => place)).toEqual(
      Array(4).fill(undefined),
    )
  })
})

describe('parts', () => {
  test.for([
    ['sql-migrate, down first', '-- +migrate Down\nselect 2;\n-- +migrate Up\nselect 1;\n', 'select 1;', 'select 2;'],
    [
      'node-pg-migrate, down first',
      '-- Down Migration\nselect 2;\n-- Up Migration\nselect 1;\n',
      'select 1;',
      'select 2;',
    ],
    [
      'node-pg-migrate, with more words',
      '-- Up migration: cups\nselect 1;\n-- Down migration for cups\nselect 2;\n',
      'select 1;',
      'select 2;',
    ],
    ['Play, with #', '# Cups\n\n# --- !Ups\nselect 1;\n# --- !Downs\nselect 2;\n', 'select 1;', 'select 2;'],
    ['Play, with dashes', '-- !Ups\nselect 1;\n\n-- !Downs\nselect 2;\n', 'select 1;', 'select 2;'],
    [
      "Play's ;;",
      '# --- !Ups\ncreate function f() returns int as $$ begin;; return 1;; end $$ language plpgsql;\n# --- !Downs\n',
      'create function f() returns int as $$ begin; return 1; end $$ language plpgsql;',
      '',
    ],
    [
      'cigogne, to its end',
      '--- migration:up\nselect 1;\n--- migration:down\nselect 2;\n--- migration:end\nselect 3;\n',
      'select 1;',
      'select 2;',
    ],
    ['tern', 'select 1;\n---- create above / drop below ----\nselect 2;\n', 'select 1;', 'select 2;'],
    ['micrate', '-- +micrate Up\nselect 1;\n-- +micrate Down\nselect 2;\n', 'select 1;', 'select 2;'],
  ] as const)('%s', async ([, text, up, down]) => {
    const { migrations } = await read({ '1.sql': text })
    expect(migrations.map(m => [upSql(m), downSql(m), m.doubt])).toEqual([[up, down, undefined]])
  })

  test.for([
    ['-- +migrate Up', '-- +migrate Down'],
    ['# --- !Ups', '# --- !Downs'],
  ] as const)('of one direction that stand apart are joined, and the other is blanked: %j', async ([up, down]) => {
    const text = `${up}\nselect 1;\n${down}\nselect 2;\n${up}\nselect 3;\n${down}\nselect 4;\n`
    const [migration] = (await read({ '1.sql': text })).migrations
    const code = (sql?: string) =>
      sql
        ?.replace(/^--.*$/gm, '')
        .split(/\s*\n\s*/)
        .filter(Boolean)
    expect(code(upSql(migration!))).toEqual(['select 1;', 'select 3;'])
    expect(code(downSql(migration!))).toEqual(['select 2;', 'select 4;'])
    expect(migration?.up?.source.indexOf('select 3')).toBe(text.indexOf('select 3'))
    expect(upSql(migration!)).not.toContain('#')
  })

  test('of Drizzle end at its breakpoints, with or without a semicolon, and positions stay', async () => {
    const text =
      'create table cups (id int)\n--> statement-breakpoint\nalter table cups add a int;--> statement-breakpoint\nselect 1\n'
    for (const files of [
      { '0000_a.sql': text, 'meta/_journal.json': journal('0000_a') },
      { '1_a/migration.sql': text, '1_a/snapshot.json': '{}' },
      { '0000_a.sql': text },
    ]) {
      const sql = upSql((await read(files)).migrations[0]!)!
      expect(sql.split(/;\s*/).filter(Boolean)).toEqual([
        'create table cups (id int)\n',
        'alter table cups add a int',
        'select 1',
      ])
      expect(sql.indexOf('alter')).toBe(text.indexOf('alter'))
    }
  })

  test.for(['--bun:split', '--gopg:split', '--;;'])('of other folders end at a line %s', async line => {
    const text = (end: string) =>
      `set statement_timeout = 0\n\n${end}\n\nselect 1\r\n${end}\r\nselect '\n${line}\n' -- ${line}`
    const [migration] = (await read({ '20240101000000_a.up.sql': text(line) })).migrations
    expect(upSql(migration!)).toBe(text(';'.padEnd(line.length)))
  })

  test('of other folders have no breakpoint of Drizzle in a string or a body', async () => {
    const text = "select '\n--> statement-breakpoint\n';\ndo $$ begin\n--> statement-breakpoint\nend $$;"
    expect(upSql((await read({ '1_a.sql': text })).migrations[0]!)).toBe(text)
  })

  test.for([
    ['---- tern: disable-tx ----\nselect 1;\n', '1_a.sql'],
    ['--! Previous: -\n--! Hash: sha1:0\n\n--! no-transaction\nselect 1;\n', '000001.sql'],
  ] as const)('outside of a transaction: %j', async ([text, name]) => {
    expect((await read({ [name]: text })).migrations[0]?.marks.transaction).toBe(false)
  })

  test('a setting beside the file says it as well', async () => {
    const transactions = async (files: Files) => (await read(files)).migrations.map(({ marks }) => marks.transaction)
    expect(
      await transactions({
        ...named(['V1__a.sql', 'V2__b.sql']),
        'V2__b.sql.conf': 'executeInTransaction=false\n',
        'V1__a.sql.conf': '# executeInTransaction=false\n',
      }),
    ).toEqual([true, false])
    expect(
      await transactions({
        ...named(['2024-01-01-000000_a/up.sql', '2024-01-02-000000_b/up.sql']),
        '2024-01-02-000000_b/metadata.toml': 'run_in_transaction = false\n',
      }),
    ).toEqual([true, false])
  })
})

test('what stands in for older migrations is told: by its name in Flyway, by its first lines in Atlas', async () => {
  const standIns = async (files: Files) =>
    (await read(files)).migrations.filter(({ standsIn }) => standsIn).map(({ name }) => name)
  expect(await standIns(named(['B2__base.sql', 'V1__a.sql', 'V2__b.sql', 'V3__c.sql']))).toEqual(['B2__base'])
  expect((await read(named(['B2__base.sql', 'V1__a.sql', 'V2__b.sql', 'V3__c.sql']))).names).toEqual([
    'V1__a',
    'V2__b',
    'B2__base',
    'V3__c',
  ])
  const atlas = (text: string) => standIns({ '1.sql': 'select 1;\n', '2_checkpoint.sql': text })
  expect(await atlas('-- atlas:checkpoint\n\nselect 1;\n')).toEqual(['2_checkpoint'])
  expect(await atlas('-- about\r\n-- atlas:checkpoint tag\r\n\r\nselect 1;\r\n')).toEqual(['2_checkpoint'])
  // without a blank line it is a comment of the first statement
  expect(await atlas('-- atlas:checkpoint\nselect 1;\n')).toEqual([])
})

test("a table's name tells whose history it is", () => {
  const titles = (table: string) => toolsWithTable(table).map(({ title }) => title)
  expect(titles('flyway_schema_history')).toEqual(['Flyway'])
  expect(titles('drizzle.__drizzle_migrations')).toEqual(['Drizzle'])
  expect(titles('graphile_migrate.migrations')).toEqual(['graphile-migrate'])
  expect(titles('schema_migrations')).toEqual(['dbmate', 'golang-migrate'])
  expect(titles('users')).toEqual([])
})
