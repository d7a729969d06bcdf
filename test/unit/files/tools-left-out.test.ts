// Tool by tool: what is left out with a warning, and what is refused before anything is run.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { UsageError } from '../../../migrator/errors.ts'
import { readFolder } from '../../../migrator/files/folder.ts'
import { folder } from '../../helpers/migrations.ts'
import { journal, marked, named, read } from '../../helpers/tool-folders.ts'

test.for([
  [
    'Flyway',
    named(['V1__a.sql', 'V2__b.sql', 'grants.sql', '3_notes.sql']),
    ['V1__a', 'V2__b'],
    ['3_notes.sql', 'grants.sql'],
  ],
  [
    'Diesel',
    named(['2024-01-01-000000_a/up.sql', '2024-01-01-000000_a/extra.sql', 'sample_data.sql', '1_seed.sql']),
    ['2024-01-01-000000_a'],
    ['1_seed.sql', '2024-01-01-000000_a/extra.sql', 'sample_data.sql'],
  ],
  [
    'Prisma',
    named(['20240101000000_a/migration.sql', 'seed.sql', '2_seed.up.sql', 'v1_to_v2.sql']),
    ['20240101000000_a'],
    ['2_seed.up.sql', 'seed.sql', 'v1_to_v2.sql'],
  ],
  [
    'Hasura',
    named(['1700000000000_a/up.sql', '1700000000001_b/up.sql', 'seed.sql']),
    ['1700000000000_a', '1700000000001_b'],
    ['seed.sql'],
  ],
  [
    "Drizzle's journal, wherever it stands",
    {
      ...named(['0000_a.sql', '0000_attic.sql', '0002_draft.sql', 'notes.sql', '0001_b.sql']),
      'meta/_journal.json': journal('0000_a', '0001_b'),
    },
    ['0000_a', '0001_b'],
    ['0000_attic.sql', '0002_draft.sql', 'notes.sql'],
  ],
  [
    'a down file without its up',
    named(['1_a.up.sql', '2_lost.down.sql', '3_c.up.sql']),
    ['1_a', '3_c'],
    ['2_lost.down.sql'],
  ],
  [
    'a folder of Hasura without its file',
    { ...named(['1700000000000_a/up.sql', '1700000000001_b/notes.md', '1700000000002_c/dev/x.sql']) },
    ['1700000000000_a'],
    ['1700000000001_b', '1700000000002_c', '1700000000002_c/dev/x.sql'],
  ],
  [
    'tests beside code, which are not run',
    named(
      [
        '1_a.sql',
        '2_b.ts',
        '2_b.test.ts',
        '2_b.spec.mjs',
        '2_b.d.ts',
        '2_b.js.map',
        'help.test.ts',
        '3_c_test.js',
        '2_b_test.go',
      ],
      '',
    ),
    ['1_a', '2_b', '3_c_test'],
    ['2_b.spec.mjs', '2_b.test.ts'],
  ],
  ["Flyway's undo file without its version", named(['V1__a.sql', 'U2__b.sql']), ['V1__a'], ['U2__b.sql']],
  [
    "what comes after a gap in Play's numbers",
    named(['1.sql', '3.sql'], marked('-- !Ups', '-- !Downs')),
    ['1'],
    ['3.sql'],
  ],
] as const)('left out with a warning: %s', async ([, files, names, leftOut]) => {
  expect(await read(files)).toMatchObject({ names, leftOut })
})

test('a tool that the operator names leaves out what it would', async () => {
  const files = named(['1_a.up.sql', '2_b.sql', 'schema.sql'])
  expect(await read(files, 'golang-migrate')).toMatchObject({ names: ['1_a'], leftOut: ['2_b.sql', 'schema.sql'] })
  await expect(read(files)).rejects.toThrow(/schema\.sql is not a migration.*--ignore 'schema\.sql'/s)
  expect(await read(files, undefined, ['schema.sql'])).toMatchObject({ names: ['1_a', '2_b'], leftOut: [] })
  const supabase = named(['20240101000000_a.sql', '2-b.sql'])
  expect(await read(supabase, 'supabase')).toMatchObject({ names: ['20240101000000_a'], leftOut: ['2-b.sql'] })
  await expect(read(named(['V1__a.sql', 'U1__b.sql']), 'refinery')).rejects.toThrow(
    /have the same version, which refinery refuses/,
  )
  expect(await read(files, 'native', ['*.sql', '!x'].slice(0, 0).concat('s*.sql', '2*'))).toMatchObject({
    names: ['1_a'],
  })
})

test('--ignore leaves out folders, files in them and code', async () => {
  const files = named(['1_a.sql', '2_b.go', 'old/3_c.sql', 'new/deep/4_d.sql', '5_e/migration.ts'])
  expect(await read(files, undefined, ['*.go', 'old', 'new/**', '5_e/*.ts'])).toMatchObject({
    names: ['1_a'],
    leftOut: [],
  })
  // where Flyway would look for more
  const deep = named(['V1__a.sql', 'more/V2__b.txt', 'more/deep/V2__b.sql'])
  await expect(read(deep)).rejects.toThrow('more/deep/V2__b.sql')
  expect((await read(deep, undefined, ['more/deep'])).names).toEqual(['V1__a'])
  // a folder of which all is left out is left out itself
  const prisma = named(['20240101000000_a/migration.sql', '20240102000000_b/migration.sql'])
  expect(await read(prisma, undefined, ['20240102000000_b/*.sql'])).toMatchObject({
    names: ['20240101000000_a'],
    leftOut: [],
  })
})

test.for([
  [
    'Go',
    { '1_a.sql': '', '2_fill.go': 'package migrations' },
    /2_fill\.go is a migration that only goose can run.*--ignore '2_fill\.go'/,
  ],
  [
    'several in Go',
    { '1_a.sql': '', '2_fill.go': 'package migrations', '3_more.go': 'package migrations', 'go.go': '' },
    /--ignore '2_fill\.go', and all 2 like it with '\*\.go'/,
  ],
  [
    'several beside code that is run',
    {
      '1_a.ts': '',
      'Migration20240101000000.ts': "'@mikro-orm/migrations'",
      'Migration20240101000001.ts': "'@mikro-orm/migrations'",
    },
    /--ignore 'Migration20240101000000\.ts'\. To let MikroORM go on migrating, and gate on its history: schemagate follow --follow mikro-orm$/,
  ],
  ['Java', named(['V1__a.sql', 'V2__Fill.java']), /V2__Fill\.java is a migration that only Flyway can run/],
  ['Kotlin, repeatable', named(['V1__a.sql', 'R__Fill.kt']), /R__Fill\.kt is a migration that only Flyway can run/],
  ['Rust', named(['V1__a.sql', 'V2__fill.rs']), /V2__fill\.rs is a migration that only refinery can run/],
  [
    'Django',
    { '1_a.sql': '', '0002_fill.py': 'from django.db import migrations' },
    /0002_fill\.py is a migration that only Django can run/,
  ],
  ['another Python', named(['1_a.sql', '0002_fill.py']), /0002_fill\.py is a migration in Python/],
  [
    'Rails',
    { '1_a.sql': '', '2_b.rb': 'class B < ActiveRecord::Migration[8.0]' },
    /2_b\.rb is a migration that only Rails can run/,
  ],
  ['Ecto', { '1_a.sql': '', '2_b.exs': 'use Ecto.Migration' }, /2_b\.exs is a migration that only Ecto can run/],
  [
    'Laravel',
    { '1_a.sql': '', '2014_10_12_000000_b.php': 'use Illuminate\\Database\\Migrations\\Migration;' },
    /only Laravel can run/,
  ],
  [
    'EF Core',
    { '1_a.sql': '', '20240101_b.cs': 'using Microsoft.EntityFrameworkCore.Migrations;' },
    /only EF Core can run/,
  ],
  [
    'a template',
    named(['1_a.up.sql', '2_fill.up.tmpl']),
    /2_fill\.up\.tmpl is a migration that only golang-migrate can run/,
  ],
  [
    "Hasura's of its first version",
    { '1_a.up.sql': '', '2_b.up.yaml': '- type: track_table\n' },
    /2_b\.up\.yaml is a migration that only Hasura can run/,
  ],
  [
    "pgroll's in one line",
    { '1_a.sql': '', '2_b.json': '{"name":"2_b","operations":[{"sql":{"up":"select 1"}}]}' },
    /2_b\.json is a migration that only pgroll can run/,
  ],
  [
    "Reshape's in one line",
    { '1_a.sql': '', '2_b.json': '{"actions":[{"type":"create_table"}]}' },
    /2_b\.json is a migration that only Reshape can run/,
  ],
  [
    "Pop's, which golang-migrate would take by its name",
    { '1_a.up.sql': '', '2_b.up.fizz': '' },
    /2_b\.up\.fizz is a migration that only Pop \(soda\) can run/,
  ],
  ['another template', named(['1_a.sql', '2_fill.sql.j2']), /2_fill\.sql\.j2 is a migration that is a template/],
  [
    'another ending',
    named(['1_a.sql', '2_fill.pgsql']),
    /2_fill\.pgsql is a migration whose name does not end in \.sql/,
  ],
  [
    "another ending, behind SQL's",
    named(['1_a.sql', '2_b.sql.sqlite', '2_b.sql.postgres']),
    /2_b\.sql\.postgres is a migration whose name does not end in \.sql/,
  ],
  [
    'a compressed file',
    named(['01.sql', '02.sql.gz']),
    /02\.sql\.gz is a migration that is compressed, which schemagate does not unpack/,
  ],
  [
    "Liquibase's changelog",
    { '1_a.sql': '', '2_b.yaml': 'databaseChangeLog:\n' },
    /2_b\.yaml is a migration that only Liquibase can run/,
  ],
  [
    'pgroll',
    { '1_a.sql': '', '2_b.json': '{\n  "operations": []\n}' },
    /2_b\.json is a migration that only pgroll can run.*--ignore '2_b\.json'$/,
  ],
  [
    'a folder with code',
    named(['20240101000000_a/migration.sql', '20240102000000_b/migration.ts']),
    /20240102000000_b\/migration\.ts is code in a folder inside the migrations folder/,
  ],
  [
    "MikroORM's, by its own name for files",
    {
      '1_a.sql': 'select 1;',
      'Migration20240222170223.ts': "import { Migration } from '@mikro-orm/migrations'",
      '.snapshot-app.json': '{}',
    },
    /Migration20240222170223\.ts is a migration that only MikroORM can run/,
  ],
  ["Gel's", { '1_a.sql': 'select 1;', '00002-m1b.edgeql': '' }, /00002-m1b\.edgeql is a migration in a language/],
  ["SeaORM's", { '1_a.sql': 'select 1;', 'm20220101_000001_b.rs': '' }, /_b\.rs is a migration in Rust/],
  ["Yii's", { '1_a.sql': 'select 1;', 'm150101_185401_b.php': '' }, /_b\.php is a migration in PHP/],
  ['a folder with another language', named(['1_a/up.sql', '2_b/up.rs']), /2_b\/up\.rs is a migration in Rust/],
  [
    'only code',
    { 'env.py': '', 'versions/ab12_x.py': 'down_revision = None' },
    /those of Alembic, which only Alembic can run\. .*schemagate follow --follow alembic$/,
  ],
  [
    'only code, and SQL that is none of it',
    { 'env.py': '', 'versions/ab12_x.py': 'down_revision = None', 'fix_status.sql': 'select 1;' },
    /those of Alembic, which only Alembic can run\./,
  ],
  [
    'one version twice in Flyway',
    named(['V1__a.sql', 'V1.0__b.sql']),
    /V1\.0__b\.sql and .*V1__a\.sql have the same version, which Flyway refuses/,
  ],
  [
    'one version twice in Play',
    named(['1.sql', '01.sql'], marked('-- !Ups', '-- !Downs')),
    /01\.sql and .*1\.sql have the same version, which Play evolutions refuses/,
  ],
  [
    'one version twice in postgrator',
    named(['1.do.a.sql', '01.do.b.sql']),
    /01\.do\.b\.sql and .*1\.do\.a\.sql have the same version, which postgrator refuses/,
  ],
  ['a slip in a name of Flyway', named(['V1__a.sql', 'V2_b.sql']), /V2_b\.sql is not a migration of any known layout/],
  [
    'a folder where Flyway looks, too',
    named(['V1__a.sql', 'more/deep/V2__b.sql']),
    /more\/deep\/V2__b\.sql is in a folder inside the migrations folder/,
  ],
  [
    'a file that the journal lists and that is not there',
    { ...named(['0000_a.sql']), 'meta/_journal.json': journal('0000_a', '0001_b') },
    /0001_b\.sql is missing: Drizzle lists it/,
  ],
  [
    'an entry of the journal that names no file',
    { ...named(['0000_a.sql']), 'meta/_journal.json': journal('0000_a').replace(']', ', {"idx": 1}]') },
    /an entry that names no file/,
  ],
  [
    'a journal in two halves',
    { ...named(['0000_a.sql']), 'meta/_journal.json': '<<<<<<< HEAD' },
    /meta\/_journal\.json that is no JSON/,
  ],
  [
    'a journal for another database',
    { ...named(['0000_a.sql']), 'meta/_journal.json': journal('0000_a').replace('postgresql', 'mysql') },
    /has migrations for mysql/,
  ],
  [
    'Prisma for another database',
    { ...named(['1_a/migration.sql']), 'migration_lock.toml': 'provider = "mysql"\n' },
    /has migrations for mysql/,
  ],
  [
    'a folder where Flyway looks, too, below another file',
    named(['V1__a.sql', 'more/up.sql', 'more/deep/V2__b.sql']),
    /more\/deep\/V2__b\.sql is in a folder inside the migrations folder/,
  ],
  [
    'a folder of Prisma without its file',
    named(['20240101000000_a/migration.sql', '20240102000000_b/readme.md', 'migration_lock.toml']),
    /20240102000000_b has no migration\.sql, and Prisma refuses it/,
  ],
  [
    'a folder of Prisma with another file',
    named(['20240101000000_a/migration.sql', '20240102000000_b/seed.sql', 'migration_lock.toml']),
    /20240102000000_b has no migration\.sql/,
  ],
  [
    'a folder of Diesel without its file',
    named(['2024-01-01-000000_a/up.sql', '2024-01-02-000000_b/metadata.toml']),
    /2024-01-02-000000_b has no up\.sql, and Diesel refuses it/,
  ],
  [
    "Hasura's metadata",
    named(['1700000000000_a/up.sql', '1700000000000_a/up.yaml']),
    /has 1700000000000_a\/up\.yaml, which is metadata/,
  ],
  [
    "Hasura's metadata in a folder with no more than its number",
    named(['1700000000000/up.sql', '1700000000000/up.yaml']),
    /has 1700000000000\/up\.yaml, which is metadata/,
  ],
] as const)('refused before anything is run: %s', async ([, files, message]) => {
  const reading = read(files)
  await expect(reading).rejects.toThrow(UsageError)
  await expect(reading).rejects.toThrow(message)
})

const plan =
  '%syntax-version=1.0.0\n%project=shop\n\n2_users 2026-01-01T00:00:00Z A <a@b> # cups\n@v1 2026-01-02T00:00:00Z A <a@b>\n\n' +
  'ground/1_roles [2_users] 2026-01-03T00:00:00Z A <a@b>\n2_users [2_users@v1] 2026-01-04T00:00:00Z A <a@b>\n'

test('the order of scripts that Sqitch has in its plan is not guessed from their names', async () => {
  const files = {
    ...named(['deploy/2_users.sql', 'deploy/2_users@v1.sql', 'deploy/ground/1_roles.sql', 'sql/2_other.sql']),
    'sqitch.plan': plan,
  }
  const dir = await folder(files)
  for (const inside of ['', 'deploy', 'deploy/ground'])
    expect(() => readFolder(join(dir, inside)), inside).toThrow(/has scripts of Sqitch, which.*--layout native/)
  // of another tool, in a project that has a plan as well
  expect(readFolder(join(dir, 'sql')).map(({ name }) => name)).toEqual(['2_other'])
  expect(readFolder(join(dir, 'deploy/ground'), { layout: 'native' }).map(({ name }) => name)).toEqual(['1_roles'])
})

test("files that Liquibase's changelog includes are not run by their numbers", async () => {
  const dir = await folder({
    ...named(['own/1_a.sql', 'changes/1_b.sql', 'others/1_c.sql']),
    'own/changelog.xml': '<databaseChangeLog/>\n',
    'db.changelog-master.yaml': 'databaseChangeLog:\n  - include: { file: changes/1_b.sql }\n',
    'others/notes.yaml': 'x: 1\n',
  })
  expect(() => readFolder(join(dir, 'own'))).toThrow(/has files of Liquibase, which runs what changelog\.xml says/)
  expect(() => readFolder(join(dir, 'changes'))).toThrow(/what \.\.\/db\.changelog-master\.yaml says.*--layout native/)
  expect(readFolder(join(dir, 'changes'), { layout: 'native' })).toHaveLength(1)
  expect(readFolder(join(dir, 'others'))).toHaveLength(1)
})

test('another thing of the name meta/_journal.json is none of Drizzle', async () => {
  for (const other of ['{}', 'null', '[1]'])
    expect((await read({ ...named(['0000_a.sql', '0001_c.sql']), 'meta/_journal.json': other })).names, other).toEqual([
      '0000_a',
      '0001_c',
    ])
})
