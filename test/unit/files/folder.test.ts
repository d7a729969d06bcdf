// A folder of migrations: which files are migrations, in which order, and what is refused.

import { chmod, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { UsageError } from '../../../migrator/errors.ts'
import { checksum } from '../../../migrator/files/checksum.ts'
import { readFolder } from '../../../migrator/files/folder.ts'
import { folder } from '../../helpers/migrations.ts'

const names = (dir: string) => readFolder(dir).map(({ name }) => name)
const files = (...fileNames: string[]) => folder(Object.fromEntries(fileNames.map(name => [name, 'select 1;\n'])))

test.for([
  ['numbers by value', ['10_c.sql', '9_b.sql', '2_a.sql'], ['2_a', '9_b', '10_c']],
  ['zeros before a number count for nothing', ['010_c.sql', '9_b.sql', '0002_a.sql'], ['0002_a', '9_b', '010_c']],
  ['equal numbers by name', ['1_b.sql', '01_c.sql', '1_a.sql'], ['01_c', '1_a', '1_b']],
  [
    'numbers longer than any integer',
    ['100000000000000000000000000000001_b.sql', '99999999999999999999999999999999_a.sql'],
    ['99999999999999999999999999999999_a', '100000000000000000000000000000001_b'],
  ],
  ['timestamps', ['20240101000000_b.sql', '20231231235959_a.sql'], ['20231231235959_a', '20240101000000_b']],
  [
    'Flyway versions part by part',
    ['V1.10__c.sql', 'V1.9__b.sql', 'V1__a.sql', 'V2_1__e.sql', 'V2__d.sql'],
    ['V1__a', 'V1.9__b', 'V1.10__c', 'V2__d', 'V2_1__e'],
  ],
  [
    'repeatable ones last, by name',
    ['R__b.sql', 'R__a.sql', 'V99__z.sql', '1_x.sql'],
    ['1_x', 'V99__z', 'R__a', 'R__b'],
  ],
  [
    'names by code unit, whatever the locale',
    ['1_ä.sql', '1_z.sql', '1_Z.sql', '1_a.sql'],
    ['1_Z', '1_a', '1_z', '1_ä'],
  ],
  [
    "Diesel's dashes are part of the number",
    [
      '2017-10-10-000000_b/up.sql',
      '20140924113530_a/up.sql',
      '20240101000000_d/up.sql',
      '2023-12-31-235959-0000_c/up.sql',
    ],
    ['20140924113530_a', '2017-10-10-000000_b', '2023-12-31-235959-0000_c', '20240101000000_d'],
  ],
  ['dates', ['2024-02-01-b.sql', '2024-01-31-a.sql'], ['2024-01-31-a', '2024-02-01-b']],
  ['CommonJS and ES modules', ['2_b.cjs', '1_a.js', '3_c.cts', '4_d.mts'], ['1_a', '2_b', '3_c', '4_d']],
  ['a number and nothing else', ['2.sql', '1.sql'], ['1', '2']],
  ['endings in capitals', ['1_a.SQL', '2_b.UP.SQL'], ['1_a', '2_b']],
] as const)('order: %s', async ([, given, expected]) => {
  expect(names(await files(...given))).toEqual(expected)
})

test('any character that a file system takes works in a name', async () => {
  const odd = [
    '1 with spaces ',
    '2 it\'s "quoted"',
    '3_größe_日本語',
    '4_🎉👩‍👩‍👧',
    '5_100%s_%n_$1_$schemagate$_$$',
    '6_back\\slash',
    '7_line\nbreak',
    '8_\u2028_\t_\x01',
    '9_; drop table x; --',
    `10_${'x'.repeat(240)}`,
    '11_..',
    '12_.sql',
    'V13__line\nbreak',
    'R__line\nbreak',
  ]
  expect(names(await files(...odd.map(name => `${name}.sql`)))).toEqual(odd)
  const pairs = await files('1_line\nbreak.up.sql', '1_line\nbreak.down.sql', '2_line\nbreak.ts', 'x\ny.txt')
  expect(readFolder(pairs).map(({ name, kind, down }) => [name, kind, down !== undefined])).toEqual([
    ['1_line\nbreak', 'sql', true],
    ['2_line\nbreak', 'code', false],
  ])
})

const bothForms = ['2_b.up.sql', '2_b.down.sql', '2_b.postgres.up.sql', '2_b.postgres.down.sql']

test('what is no migration is left out silently', async () => {
  const dir = await files(
    ...[
      '1_a.sql',
      'README.md',
      'migration_lock.toml',
      '.hidden.sql',
      '.hidden/up.sql',
      'notes/readme.txt',
      'types.d.ts',
      'migrate.go',
      '1_a_test.go',
      'embed.go',
      '__init__.py',
      'node_modules/x/y/1_a.sql',
      'lib/.hidden/1_a.sql',
      '2_tests/1_a.test.ts',
    ],
    ...[
      '1_types.d.mts',
      'flyway.conf',
      '1_a.sql.bak',
      'helper.ts',
      '1_data.csv',
      'lib/index.js',
      '2_folder/notes.md',
      'sql',
    ],
  )
  expect(names(dir)).toEqual(['1_a'])
})

test.for([
  ['no number', ['1_a.sql', 'users.sql'], /users\.sql is not a migration of any known layout/],
  ['Flyway with one underscore', ['1_a.sql', 'V1_users.sql'], /V1_users\.sql is not a migration/],
  ['Flyway in small letters', ['1_a.sql', 'v1__users.sql'], /v1__users\.sql is not a migration/],
  [
    'a stray file in a folder',
    ['1_a/up.sql', '2_b/migration.sql', '1_a/other.sql'],
    /1_a\/other\.sql is not a migration/,
  ],
  ['a folder without a number', ['1_a.sql', 'users/up.sql'], /users\/up\.sql is not a migration/],
  [
    'the same name in two layouts',
    ['1_a.sql', '1_a.up.sql'],
    /Two migrations are named 1_a: .*1_a\.sql and .*1_a\.up\.sql/,
  ],
  ['the same name as code', ['1_a.sql', '1_a.ts'], /Two migrations are named 1_a/],
  ['the same name as a folder', ['1_a/up.sql', '1_a.sql'], /Two migrations are named 1_a/],
  ['the same name in other capitals of the ending', ['1_a.sql', '1_a.SQL'], /Two migrations are named 1_a/],
  ['up twice in a folder', ['1_a/up.sql', '1_a/migration.sql'], /has both migration\.sql and up\.sql/],
  ['down without up in a folder', ['1_a.sql', '2_b/down.sql'], /2_b\/down\.sql has no up\.sql beside it/],
  ['an undo file twice', ['V1__a.sql', 'U1__a.sql', 'U1.0__b.sql'], /down part/],
  ['a file one folder down', ['1_a.sql', 'v2/V2__b.sql'], /V2__b\.sql is in a folder inside the migrations folder/],
  [
    'a file two folders down',
    ['1_a.sql', '2024/q1/0002_b.sql'],
    /q1\/0002_b\.sql is in a folder inside the migrations folder/,
  ],
  [
    'a file further down',
    ['1_a.sql', 'testdata/more/fixtures/1_a.up.sql'],
    /fixtures\/1_a\.up\.sql is in a folder inside/,
  ],
  [
    'another file two folders down',
    ['1_a.sql', 'x/y/notes.sql'],
    /x\/y\/notes\.sql is not a migration.*--ignore 'x\/y\/notes\.sql'/,
  ],
  [
    'a file in a folder of a migration',
    ['0.sql', '1_a/up.sql', '1_a/in/2_b.sql'],
    /1_a\/in\/2_b\.sql is in a folder inside/,
  ],
  ...['0002_b.sql', '2_b.up.sql', 'V2__b.sql', 'R__b.sql', '2_b.mjs', 'B2__b.sql'].map(
    name =>
      [
        `a folder in place of the file ${name}`,
        ['V1__a.sql', `${name}/x.txt`],
        /is a folder, and its name is a migration's file/,
      ] as const,
  ),
  ["Flyway's callbacks", ['V1__a.sql', 'afterMigrate__grants.sql'], /grants\.sql is a callback of Flyway/],
  [
    "graphile-migrate's scripts, above its migrations",
    ['afterReset.sql', 'committed/000001.sql', 'current/1-current.sql'],
    /afterReset\.sql is run by graphile-migrate .*committed: name that with --dir/,
  ],
  [
    'what is for MySQL',
    ['1_a.up.sql', '1_a.mysql.up.sql'],
    /1_a\.mysql\.up\.sql is for another database.*--ignore '\*\.mysql\*'/,
  ],
  [
    "Ory's for another database, without a transaction",
    ['1_a.autocommit.up.sql', '1_a.cockroach.autocommit.up.sql'],
    /1_a\.cockroach\.autocommit\.up\.sql is for another database \(cockroach\)/,
  ],
  [
    'those for several other databases, at once',
    ['1_a.mysql.up.sql', '1_a.postgres.up.sql', '1_a.sqlite3.up.sql', '2_b.cockroach.down.sql'],
    /1_a\.mysql\.up\.sql is for another database \(mysql\).*out: --ignore '\*\.mysql\*' --ignore '\*\.sqlite3\*' --ignore '\*\.cockroach\*'$/,
  ],
  ['a way back for MySQL', ['1_a.up.sql', '1_a.mysql.down.sql'], /1_a\.mysql\.down\.sql is for another database/],
  [
    'a general form beside the one for Postgres',
    ['1_a.up.sql', '1_a.postgres.up.sql'],
    /1_a\.postgres\.up\.sql is 1_a for Postgres, and .*1_a\.up\.sql is for other databases.* --ignore '1_a\.up\.sql'$/,
  ],
  [
    'several general forms, at once',
    ['1_a.sql', '1_a.postgres.sql', ...bothForms],
    /leave the others out: --ignore '1_a\.sql' --ignore '2_b\.@\(up\|down\)\.sql'$/,
  ],
  [
    'a general way back beside the one for Postgres',
    ['1_a.up.sql', '1_a.down.sql', '1_a.postgres.down.sql'],
    /1_a\.postgres\.down\.sql is 1_a for Postgres, and .*1_a\.down\.sql is for other databases.* --ignore '1_a\.down\.sql'$/,
  ],
  [
    'a general form without a transaction beside the one for Postgres',
    ['1_a.autocommit.up.sql', '1_a.postgres.up.sql'],
    /1_a\.postgres\.up\.sql is 1_a\.autocommit for Postgres, and .*1_a\.autocommit\.up\.sql is for other databases/,
  ],
  ["db-migrate's ways back", ['1-a-down.sql', '1-a-up.sql'], /1-a-down\.sql looks as if it undoes 1-a-up/],
  [
    "yoyo's",
    ['1.a.sql', '1.a.rollback.sql'],
    /1\.a\.rollback\.sql looks as if it undoes 1\.a,.*--ignore '\*\.rollback\.sql'$/,
  ],
  ["ragtime's, in parts", ['1-a.up.1.sql', '1-a.down.2.sql'], /1-a\.down\.2\.sql looks as if it undoes 1-a\.up\.1,/],
  ["ragtime's, of one file", ['1-a.up.sql', '1-a.down.2.sql'], /1-a\.down\.2\.sql looks as if it undoes 1-a,/],
  ['a way back by hand', ['1_a.sql', '1_a_down.sql'], /1_a_down\.sql looks as if it undoes 1_a,/],
  [
    'a folder for each release, without a migration',
    ['lts/4.2/schema.sql'],
    /No migrations in \S+\. Name the right folder/,
  ],
  ['a folder for each database', ['default/1_a/up.sql'], /Perhaps you mean --dir .*\/default$/],
  [
    'a folder for each kind of database',
    ['mysql/1_a/up.sql', 'postgresql/1_a/up.sql', 'sqlite/1_a/up.sql'],
    /Perhaps you mean --dir .*\/postgresql$/,
  ],
  [
    'a folder for each of several services',
    ['orders/1_a/up.sql', 'users/1_a/up.sql'],
    /No migrations in .* itself, but in 2 folders inside, as in .*\/(?:orders|users)\. Name the right one with --dir/,
  ],
  [
    'a folder above, with other SQL in it',
    ['migrations/1_a.sql', 'migrations/1_a.down.sql', 'schema.sql', 'query/users.sql'],
    /No migrations in .* itself\. Perhaps you mean --dir .*\/migrations$/,
  ],
  [
    'a folder far above',
    ['src/main/resources/db/migration/V1__a.sql', 'src/test/a.sql'],
    /Perhaps you mean --dir .*\/src\/main\/resources\/db\/migration$/,
  ],
  [
    "a folder far above Prisma's",
    ['api/prisma/migrations/20240101000000_a/migration.sql'],
    /Perhaps you mean --dir .*\/api\/prisma\/migrations$/,
  ],
  ['the folder of a release', ['0/1_a.sql'], /0\/1_a\.sql is in a folder inside/],
  ['nothing', [], /No migrations in .*schemagate create NAME/],
  ['nothing but other files', ['README.md'], /No migrations in /],
] as const)('refused: %s', async ([, given, message]) => {
  const dir = await files(...given)
  const error = refusal(dir)
  expect(error).toMatchObject({ message: expect.stringMatching(message) })
  const advised = /--ignore '([^']+)'/.exec(error?.message ?? '')?.[1]
  if (advised) expect(refusal(dir, [advised])?.message ?? '').not.toMatch(message)
})

test('the folder itself is named by its path, where a dot would end the sentence with two', async () => {
  const dir = await files('README.md')
  expect(refusal(`${dir}/.`)).toMatchObject({ message: expect.stringContaining(`No migrations in ${dir}. Name`) })
})

function refusal(dir: string, ignore?: readonly string[]) {
  try {
    readFolder(dir, { ignore })
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
}

test.for([
  [
    "codd's",
    '-- codd: no-txn\n-- codd-connection: dbname=x\nselect 1;\n',
    /1_a\.sql is for another connection.*only codd/,
  ],
  [
    "dbutil's for several versions at once",
    '-- v0 -> v10 (compatible with v3+): Latest revision\nselect 1;\n',
    /1_a\.sql is run by mautrix's dbutil in place of/,
  ],
  [
    "dbutil's lines for another database",
    '-- v2: b\nselect 1;\n-- only: sqlite until "end only"\nselect 2;\n-- end only sqlite\n',
    /1_a\.sql has lines for one kind of database/,
  ],
  [
    "dbutil's lines for Postgres, which are comments",
    '-- v1 -> v2: b\n-- only: postgres for next 2 lines (lines commented)\n--select 1;\n',
    /1_a\.sql has lines for one kind of database/,
  ],
  ['Liquibase', '\n--liquibase formatted sql\n--changeset a:1\nselect 1;\n', /1_a\.sql is SQL formatted for Liquibase/],
  [
    'several files of Atlas in one',
    '-- atlas:txtar\n\n-- migration.sql --\nselect 1;\n\n-- down.sql --\nselect 2;\n',
    /1_a\.sql holds several files of Atlas/,
  ],
  ['variables of goose', '-- +goose ENVSUB ON\n-- +goose Up\nselect $x;\n', /`-- \+goose ENVSUB ON`/],
] as const)('refused for what is in it: %s', async ([, text, message]) => {
  const dir = await folder({ '1_a.sql': text })
  expect(() => readFolder(dir)).toThrow(UsageError)
  expect(() => readFolder(dir)).toThrow(message)
})

test.for([
  '-- v1 -> v2: b\n-- only: sqlite (line commented)\n--select 2;\n-- only: postgres\nselect 1;\n',
  '-- v0 -> v1: a\nselect 1;\n',
  '-- from v0 -> v10: a sentence\nselect 1;\n-- only: sqlite\n',
])('read, as Postgres reads it: %s', async text => {
  expect(names(await folder({ '1_a.sql': text }))).toEqual(['1_a'])
})

test.for([
  ['blank lines', '\n'],
  ['blank lines of Windows', '\r\n'],
  ['spaces', ' '],
  ['comments', '-- x\n'],
  ['comments with #', '# x\n'],
  ['comments and blank lines', '--\n\n'],
] as const)('a long beginning of %s is no limit', { timeout: 60_000 }, async ([, piece]) => {
  const long = piece.repeat(20_000_000 / piece.length)
  expect(names(await folder({ '1_a.sql': `${long}\nselect 1;\n` }))).toEqual(['1_a'])
  if (piece.startsWith('#')) return
  const dir = await folder({ '1_a.sql': `${long}\n--liquibase formatted sql\n` })
  expect(() => readFolder(dir)).toThrow(/1_a\.sql is SQL formatted for Liquibase/)
})

test.for([
  ['the general one', ['1_a.autocommit.up.sql', '1_a.down.sql', '1_a.postgres.up.sql'], '1_a.down.sql'],
  ['its own', ['1_a.up.sql', '1_a.down.sql', '1_a.postgres.down.sql'], '1_a.postgres.down.sql'],
] as const)('without the general form as it is proposed, the way back is %s', async ([, given, down]) => {
  const dir = await files(...given)
  const ignore = [...(refusal(dir)?.message.matchAll(/--ignore '([^']+)'/g) ?? [])].map(([, glob]) => glob!)
  expect(readFolder(dir, { ignore }).map(migration => migration.down?.file)).toEqual([join(dir, down)])
})

test('words of a way back in a name are words where nothing is beside it to go back from', async () => {
  const given = ['1_slow-down.sql', '2_add_undo.sql', '3_rollback.sql', '4_do_undo_log.sql']
  expect(names(await files(...given))).toEqual(['1_slow-down', '2_add_undo', '3_rollback', '4_do_undo_log'])
})

test('an undo file belongs to its version, whatever its words and however that is written', async () => {
  const dir = await files('V1__a.sql', 'U1.0__other words.sql', 'V2.1__b.sql', 'U2_1__b.sql')
  expect(readFolder(dir).map(({ name, down }) => [name, down?.file.slice(dir.length + 1)])).toEqual([
    ['V1__a', 'U1.0__other words.sql'],
    ['V2.1__b', 'U2_1__b.sql'],
  ])
})

test('so does a down file of a pair, where there is but one it can belong to', async () => {
  const dir = await files('1_add_users.up.sql', '1_drop_users.down.sql', '2_b.up.sql', '2_b.down.sql')
  expect(readFolder(dir).map(({ name, down }) => [name, down?.file.slice(dir.length + 1)])).toEqual([
    ['1_add_users', '1_drop_users.down.sql'],
    ['2_b', '2_b.down.sql'],
  ])
  // another of its number is there, so that it may have been renamed
  for (const others of [['1_a.up.sql', '1_b.up.sql'], ['1_a.up.sql', '1_a.down.sql'], ['1_a.sql']]) {
    const unclear = await files(...others, '1_c.down.sql')
    expect(() => readFolder(unclear), others.join()).toThrow(/1_c\.down\.sql has no up file beside it/)
  }
})

test('a folder that is missing, a file or unreadable is named, with the way out', async () => {
  const dir = await files('1_a.sql')
  expect(() => readFolder(join(dir, 'nope'))).toThrow(/nope does not exist\. Name the right one with --dir/)
  expect(() => readFolder(join(dir, '1_a.sql'))).toThrow(/1_a\.sql is not a folder/)
  if (process.getuid?.() === 0) return
  await chmod(dir, 0o000)
  expect(() => readFolder(dir)).toThrow(/EACCES/)
  await chmod(dir, 0o700)
})

test('links are followed, as Kubernetes mounts files; a link to nowhere is named', async () => {
  const real = await files('1_a.sql', '2_b/up.sql')
  const dir = await files('0_z.sql')
  await symlink(join(real, '1_a.sql'), join(dir, '1_a.sql'))
  await symlink(join(real, '2_b'), join(dir, '2_b'))
  expect(names(dir)).toEqual(['0_z', '1_a', '2_b'])
  await symlink(join(real, 'gone.sql'), join(dir, '3_gone.sql'))
  expect(() => readFolder(dir)).toThrow(/3_gone\.sql cannot be read \(ENOENT\)/)
})

test.for([
  ['UTF-16', Buffer.from('\uFEFFselect 1;', 'utf16le'), /1_a\.sql is UTF-16\. Save it as UTF-8/],
  ['Latin-1', Buffer.from("select 'größe';", 'latin1'), /1_a\.sql is not valid UTF-8/],
  ['a NUL byte', Buffer.from('select 1;\0select 2;'), /1_a\.sql has a NUL byte at offset 9/],
] as const)('a file in %s is refused', async ([, bytes, message]) => {
  const dir = await folder({ '1_a.sql': bytes })
  expect(() => readFolder(dir)).toThrow(message)
})

test('an empty file, a file of comments and an empty down part are migrations', async () => {
  const dir = await folder({ '1_a.sql': '', '2_b.sql': '-- nothing yet', '3_c.sql': '-- migrate:up\n-- migrate:down' })
  expect(
    readFolder(dir).map(({ name, up, down }) => [name, up?.start, up?.end, down && down.end - down.start]),
  ).toEqual([
    ['1_a', 0, 0, undefined],
    ['2_b', 0, 14, undefined],
    ['3_c', 14, 14, 0],
  ])
})

test('the checksum is of the text as it counts, and of the up file alone', async () => {
  const [pair] = readFolder(await folder({ '1_a.up.sql': '\uFEFFselect 1;\r\nselect 2;', '1_a.down.sql': 'select 3;' }))
  expect(pair?.checksum).toBe(checksum('select 1;\nselect 2;\n'))
  expect(pair?.checksum).toMatch(/^[0-9a-f]{64}$/)
})

test.for([65_535, 65_536, 65_537, 200_000])('a file is read whole, of whatever size: %i bytes', async size => {
  const start = size % 2 === 0 ? '---' : '--'
  const text = `${start}${'ä'.repeat((size - start.length) / 2)}\n`
  expect(Buffer.byteLength(text)).toBe(size)
  const [migration] = readFolder(await folder({ '1_a.sql': text }))
  expect(migration?.up?.source === text).toBe(true)
  expect(migration?.checksum).toBe(checksum(text))
})

test('links that lead back into the folder are not followed for ever', async () => {
  const dir = await folder({ 'db/old/1_a.sql': 'select 1;' })
  for (const name of ['x', 'y']) await symlink('.', join(dir, 'db/old', name))
  expect(() => readFolder(dir)).toThrow(`Perhaps you mean --dir ${join(dir, 'db/old')}`)
})
