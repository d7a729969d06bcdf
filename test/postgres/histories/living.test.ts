// Histories as years of a tool's releases and commands leave them: taken over, and followed.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect } from 'vitest'
import { readFollowed } from '../../../migrator/follow/files/index.ts'
import { createMigrator } from '../../../migrator/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { historyFolder, historySql, livingSchema } from '../../helpers/histories.ts'
import { newestTwoGone } from '../../helpers/history-changes.ts'
import { folder, write } from '../../helpers/migrations.ts'

const on = (database: ScratchDatabase, dir: string, follow?: string) =>
  createMigrator({ databaseUrl: database.url, dir, ...(follow && { follow }) })

/** What `follow` and `require()` say: the exit code, and the answer or the error. */
async function followed(database: ScratchDatabase, tool: string, dir: string): Promise<[number, string]> {
  const { error } = await on(database, dir, tool).follow()
  const manifest = { version: 2, follow: { tool }, migrations: await readFollowed(tool, dir) }
  const answer = await database.query('select schemagate.require($1::jsonb)', [JSON.stringify(manifest)]).then(
    () => 'open',
    ({ message }: Error) => message,
  )
  return [error?.exitCode ?? 0, answer]
}

describe("Flyway's baseline file", () => {
  const versions = {
    'V1__a.sql': 'create table a ();\n',
    'V2__b.sql': 'create table b ();\n',
    'V3__c.sql': 'create table c ();\n',
  }
  const base = { 'B2__base.sql': 'create table a ();\ncreate table b ();\n' }
  const all = { ...versions, ...base }
  const rowsOf = (...rows: readonly (readonly [type: string, file: keyof typeof all])[]) =>
    `create table flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200) not null,
       type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
       installed_on timestamp not null default now(), execution_time int not null, success boolean not null);
     create table a (); create table b (); create table c ();
     insert into flyway_schema_history values ${rows
       .map(([type, file], rank) => {
         const crc = crc32(all[file].replaceAll('\n', '')) | 0
         return `(${rank}, '${/\d/.exec(file)![0]}', 'x', '${type}', '${file}', ${crc}, 'me', now(), 1, true)`
       })
       .join(', ')};`

  test('that was run has all up to its version', async ({ database }) => {
    await database.query(rowsOf(['SQL_BASELINE', 'B2__base.sql'], ['SQL', 'V3__c.sql']))
    for (const files of [all, versions, { ...base, 'V3__c.sql': versions['V3__c.sql'] }])
      expect(await followed(database, 'flyway', await folder(files))).toEqual([0, 'open'])
    await database.query('drop schema schemagate cascade')
    const migrator = on(database, await folder(all))
    expect((await migrator.adopt()).recorded).toEqual(['V1__a', 'V2__b', 'B2__base', 'V3__c'])
    expect(await migrator.up()).toMatchObject({ outcome: 'nothing-to-do' })
  })

  test('that is a class is read like one', async ({ database }) => {
    await database.query(rowsOf(['JDBC_BASELINE', 'B2__base.sql'], ['SQL', 'V3__c.sql']))
    expect(await followed(database, 'flyway', await folder(versions))).toEqual([0, 'open'])
  })

  test('that came later is not taken for the migration of its version', async ({ database }) => {
    await database.query(rowsOf(['SQL', 'V1__a.sql'], ['SQL', 'V2__b.sql'], ['SQL', 'V3__c.sql']))
    const migrator = on(database, await folder(all))
    expect((await migrator.adopt()).recorded).toEqual(['V1__a', 'V2__b', 'V3__c'])
    expect(await migrator.up()).toMatchObject({ exitCode: 0, migrations: [{ name: 'B2__base', status: 'skipped' }] })
  })

  test('that has taken the place of older ones is no edited V2', async ({ database }) => {
    await database.query(rowsOf(['SQL', 'V1__a.sql'], ['SQL', 'V2__b.sql'], ['SQL', 'V3__c.sql']))
    const migrator = on(database, await folder({ ...base, 'V3__c.sql': versions['V3__c.sql'] }))
    const { problems } = await migrator.adopt({ dryRun: true })
    expect(problems.map(({ code, migration }) => `${code} ${migration}`)).toEqual(['missing 1', 'missing 2'])
    expect(problems.map(({ message }) => /--forget-missing all$/.test(message))).toEqual([false, true])
    expect((await migrator.adopt({ forgetMissing: ['all'] })).recorded).toEqual(['V3__c'])
    expect(await migrator.up()).toMatchObject({ exitCode: 0, migrations: [{ name: 'B2__base', status: 'skipped' }] })
  })

  test('that was run and edited is told as edited', async ({ database }) => {
    await database.query(rowsOf(['SQL_BASELINE', 'B2__base.sql'], ['SQL', 'V3__c.sql']))
    const migrator = on(
      database,
      await folder({ 'B2__base.sql': 'create table a ();\n', 'V3__c.sql': versions['V3__c.sql'] }),
    )
    const { problems } = await migrator.adopt({ dryRun: true })
    expect(problems.map(({ code, migration }) => `${code} ${migration}`)).toEqual(['edited B2__base'])
  })
})

test("a revision of Atlas' that was resolved is applied, however far it had come", async ({ database }) => {
  await database.query(
    `${historySql('atlas')}${livingSchema}update atlas_schema_revisions.atlas_schema_revisions
       set applied = 0, error = 'no', type = 6 where version like '20240104%'`,
  )
  const dir = historyFolder('atlas')
  expect(await followed(database, 'atlas', dir)).toEqual([0, 'open'])
  await database.query('drop schema schemagate cascade')
  expect((await on(database, dir).adopt()).recorded).toHaveLength(4)
})

test('of two projects that migrate one database by numbers, neither is taken for the other', async ({ database }) => {
  const tableOf = (name: string, version: number) =>
    `create table ${name} (version bigint primary key, dirty boolean not null); insert into ${name} values (${version}, false);`
  await database.query(`${tableOf('schema_migrations', 3)}${tableOf('shop_migrations', 1)}create table t1 ()`)
  const dir = await folder({ '1_a.up.sql': 'create table t1 ();', '2_b.up.sql': 'create table t2 ();' })
  await expect(on(database, dir).adopt()).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/public\.schema_migrations.*public\.shop_migrations.*--history/),
  })
  const { recorded, pending } = await on(database, dir).adopt({ history: 'shop_migrations' })
  expect([recorded, pending]).toEqual([['1_a'], ['2_b']])
  // without --history the table of the usual name is followed, also when another project shares the database
  expect(
    await createMigrator({ databaseUrl: database.url, dir, schema: 'gates', follow: 'golang-migrate' }).follow(),
  ).toMatchObject({ history: 'public.schema_migrations' })
})

describe('a history of Drizzle that its release 1.0 has upgraded', () => {
  const names = ['accounts', 'posts', 'comments', 'tags']
  const sqlOf = (i: number, name: string) => readFileSync(join(historyFolder('drizzle'), `000${i}_${name}.sql`), 'utf8')
  // the last two are of one second
  const when = (i: number) => Date.UTC(2024, 0, Math.min(i, 2) + 1, 12, 30, 5, 100 + i)
  const folderName = (i: number, name: string) => `2024010${Math.min(i, 2) + 1}123005_${name}`
  const entries = names.map((name, i) => ({ idx: i, when: when(i), tag: `000${i}_${name}`, breakpoints: true }))
  const files = {
    ...Object.fromEntries(names.map((name, i) => [`000${i}_${name}.sql`, sqlOf(i, name)])),
    'meta/_journal.json': JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  }
  // what drizzle-kit up makes of them
  const folders = Object.fromEntries(
    names.flatMap((name, i) => [
      [`${folderName(i, name)}/migration.sql`, sqlOf(i, name)],
      [`${folderName(i, name)}/snapshot.json`, '{}'],
    ]),
  )
  const living = `${historySql('drizzle')}${livingSchema}${names
    .map((_, i) => `update drizzle.__drizzle_migrations set created_at = ${when(i)} where id = ${i + 1};`)
    .join('')}`
  // drizzle-orm/up-migrations/pg.js
  const upgrade = `alter table drizzle.__drizzle_migrations add column name text, add column applied_at timestamptz default now();${names
    .map(
      (name, i) =>
        `update drizzle.__drizzle_migrations set name = '${folderName(i, name)}', applied_at = null where id = ${i + 1};`,
    )
    .join('')}`

  test('is followed by the releases before and after', async ({ database }) => {
    await database.query(living)
    const [old, later] = [await folder(files), await folder(folders)]
    expect(await followed(database, 'drizzle', old)).toEqual([0, 'open'])
    await database.query(upgrade)
    for (const dir of [old, later]) expect(await followed(database, 'drizzle', dir)).toEqual([0, 'open'])
    await database.query(`delete from drizzle.__drizzle_migrations where name like '%tags'`)
    for (const dir of [old, later])
      expect(await followed(database, 'drizzle', dir)).toEqual([7, expect.stringContaining('behind')])
  })

  test('is adopted, kept, and written as that release would', async ({ database }) => {
    await database.query(
      `${living}${upgrade}delete from drizzle.__drizzle_migrations where name like '%tags'; drop table tags`,
    )
    const migrator = on(database, await folder(folders))
    const { rows } = await migrator.adopt({ keepHistory: true })
    expect(rows.map(({ status, checksum }) => [status, checksum])).toEqual([
      ...Array(3).fill(['adopt', 'same']),
      ['pending', 'none'],
    ])
    expect(await migrator.up()).toMatchObject({ outcome: 'applied' })
    const last = await database.query(
      'select name, created_at from drizzle.__drizzle_migrations order by id desc limit 1',
    )
    expect(last.rows).toEqual([{ name: '20240103123005_tags', created_at: String(Date.UTC(2024, 0, 3, 12, 30, 5)) }])
    expect((await migrator.status()).problems).toEqual([])
  })
})

test("Drizzle's hash of a file with other line ends is that of the same file", async ({ database }) => {
  const sql = 'create table a (i int);\n--> statement-breakpoint\ncreate table b (i int);\n'
  const windows = sql.replaceAll('\n', '\r\n')
  const entries = [{ idx: 0, when: 1704067200123, tag: '0000_a', breakpoints: true }]
  const journal = JSON.stringify({ version: '7', dialect: 'postgresql', entries })
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  await database.query(
    'create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
  )
  for (const [applied, file] of [
    [sql, windows],
    [windows, sql],
  ] as const) {
    await database.query(
      `truncate drizzle.__drizzle_migrations; insert into drizzle.__drizzle_migrations (hash, created_at) values ('${hash(applied)}', 1704067200123)`,
    )
    const migrator = on(database, await folder({ '0000_a.sql': file, 'meta/_journal.json': journal }))
    expect((await migrator.adopt({ dryRun: true })).rows).toMatchObject([{ status: 'adopt', checksum: 'same' }])
  }
})

describe('rows that were there before the last of the build', () => {
  test("are what a squash of Prisma's has left", async ({ database }) => {
    // its own way: a folder that sorts first, and `migrate resolve --applied`
    const squash = '000000000000_squashed_migrations'
    await database.query(`${historySql('prisma')}insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
      values ('5', 'x', '${squash}', now(), now(), 0)`)
    const dir = await folder({ [`${squash}/migration.sql`]: livingSchema })
    expect(await followed(database, 'prisma', dir)).toEqual([0, 'open'])
    await database.query(
      `insert into _prisma_migrations select '6', 'x', now(), '20240105000000_new', null, null, now() + interval '1 s', 1`,
    )
    expect(await followed(database, 'prisma', dir)).toEqual([6, 'open'])
  })

  test('also while newer ones of the build are not applied yet', async ({ database }) => {
    const squash = '000000000000_squashed_migrations'
    const [pending, foreign] = ['20240105000000_new', '20240106000000_theirs']
    const applied = (name: string) =>
      `insert into _prisma_migrations select '${name}', 'x', clock_timestamp(), '${name}', null, null, clock_timestamp(), 1;`
    await database.query(`${historySql('prisma')}${applied(squash)}`)
    const dir = await folder({ [`${squash}/migration.sql`]: livingSchema, [`${pending}/migration.sql`]: '' })
    expect(await followed(database, 'prisma', dir)).toEqual([7, `schemagate: behind: the database lacks ${pending}`])
    await database.query(applied(foreign))
    await expect(followed(database, 'prisma', dir)).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining(`lacks ${pending}, and has ${foreign}, which no published manifest has`),
    })
    await expect(database.query(`select schemagate.require('${pending}')`)).rejects.toThrow(
      `diverged: the database lacks ${pending}, and has ${foreign}`,
    )
  })

  test("are what a squash of Django's has left, when it has no `replaces` any more", async ({ database }) => {
    const row = (name: string) =>
      `insert into django_migrations (app, name, applied) values ('shop', '${name}', now());`
    await database.query(`create table django_migrations (id bigint primary key generated by default as identity,
        app varchar(255) not null, name varchar(255) not null, applied timestamptz not null);
      ${row('0001_initial')}${row('0002_prices')}${row('0001_squashed_0002_prices')}`)
    const module = 'from django.db import migrations\nclass Migration(migrations.Migration):\n    operations = []\n'
    const names = ['0001_squashed_0002_prices', '0003_stock']
    const dir = await folder({
      'shop/__init__.py': '',
      'shop/migrations/__init__.py': '',
      ...Object.fromEntries(names.map(name => [`shop/migrations/${name}.py`, module])),
    })
    expect(await followed(database, 'django', dir)).toEqual([7, expect.stringContaining('lacks shop.0003_stock')])
    await database.query(row('0003_stock'))
    expect(await followed(database, 'django', dir)).toEqual([0, 'open'])
    await database.query(row('0004_newer'))
    expect(await followed(database, 'django', dir)).toEqual([6, 'open'])
    // what was applied since to another app says nothing of this one
    await write(dir, {
      'users/__init__.py': '',
      'users/migrations/__init__.py': '',
      'users/migrations/0001_initial.py': module,
    })
    await database.query(row('0001_initial').replace('shop', 'users'))
    expect(await followed(database, 'django', dir)).toEqual([6, 'open'])
  })

  test("but not the squash itself, once Django's `migrate shop zero` has left its row alone", async ({ database }) => {
    const rows = (...names: string[]) =>
      names
        .map(name => `insert into django_migrations (app, name, applied) values ('shop', '${name}', now());`)
        .join('')
    const [first, second, squash] = ['0001_initial', '0002_prices', '0001_squashed_0002_prices']
    await database.query(`create table django_migrations (id bigint primary key generated by default as identity,
        app varchar(255) not null, name varchar(255) not null, applied timestamptz not null); ${rows(first, second, squash)}`)
    const module = 'from django.db import migrations\nclass Migration(migrations.Migration):\n    operations = []\n'
    const replaces = `    replaces = [('shop', '${first}'), ('shop', '${second}')]\n`
    const dir = await folder({
      'shop/__init__.py': '',
      'shop/migrations/__init__.py': '',
      [`shop/migrations/${squash}.py`]: module + replaces,
    })
    expect(await followed(database, 'django', dir)).toEqual([0, 'open'])
    await database.query(`delete from django_migrations where name <> '${squash}'`)
    const behind = [7, expect.stringContaining(`the database lacks shop.${squash}`)]
    expect(await followed(database, 'django', dir)).toEqual(behind)
    // as after `migrate --prune`, whose build has the file without `replaces`
    const pruned = await folder({
      'shop/__init__.py': '',
      'shop/migrations/__init__.py': '',
      [`shop/migrations/${squash}.py`]: module,
      'shop/migrations/0003_stock.py': module,
    })
    await database.query(rows('0003_stock'))
    expect(await followed(database, 'django', pruned)).toEqual([0, 'open'])
    expect(await followed(database, 'django', dir)).toEqual([0, 'open'])
  })

  test.for([
    ['diesel', '__diesel_schema_migrations (version, run_on)', '/up.sql'],
    ['ecto', 'schema_migrations (version, inserted_at)', '.exs'],
    // set_ignore_missing: a second folder of the project's, in the same table
    ['sqlx', '_sqlx_migrations (version, installed_on, description, success, checksum, execution_time)', '.sql'],
  ] as const)('or of one of %s, whose first file sorts first', async ([tool, table, ending], { database }) => {
    const more = tool === 'sqlx' ? `, 'x', true, '', 1` : ''
    const row = (version: string, time: string) => `insert into ${table} values ('${version}', ${time}${more});`
    await database.query(`${historySql(tool)}${row('20200101000000', "'2024-02-01'")}`)
    const dir = await folder({ [`20200101000000_squashed${ending}`]: livingSchema })
    expect(await followed(database, tool, dir)).toEqual([0, 'open'])
    await database.query(row('20200102000000', 'now()'))
    expect(await followed(database, tool, dir)).toEqual([6, 'open'])
  })

  test("or of a package of Laravel's", async ({ database }) => {
    const row = (name: string, batch: number) =>
      `insert into migrations (migration, batch) values ('${name}', ${batch});`
    const [first, last, theirs] = ['2014_10_12_000000_users', '2024_01_01_000000_posts', '2019_12_14_000001_tokens']
    await database.query(
      `create table migrations (id serial primary key, migration varchar(255) not null, batch int not null);
       ${row(first, 1)}${row(theirs, 1)}${row(last, 2)}`,
    )
    const dir = await folder({ [`database/migrations/${first}.php`]: '', [`database/migrations/${last}.php`]: '' })
    expect(await followed(database, 'laravel', dir)).toEqual([0, 'open'])
    await database.query('update migrations set batch = 3 where id = 2')
    expect(await followed(database, 'laravel', dir)).toEqual([6, 'open'])
  })
})

test("golang-migrate's first migration that was taken back half-way is half-done work", async ({ database }) => {
  await database.query('create table schema_migrations (version bigint primary key, dirty boolean not null)')
  await database.query('insert into schema_migrations values (-1, true)')
  const dir = await folder({ '1_a.up.sql': 'create table a ();', '1_a.down.sql': 'drop table a;' })
  expect(await on(database, dir).up()).toMatchObject({ exitCode: 6 })
  await expect(on(database, dir).adopt()).rejects.toMatchObject({
    exitCode: 6,
    message: expect.stringContaining('dirty'),
  })
  expect(await followed(database, 'golang-migrate', dir)).toEqual([7, expect.stringContaining('-1 was begun')])
})

test('a table of golang-migrate with a row for each number has those alone', async ({ database }) => {
  await database.query(`create table schema_migrations (version bigint primary key, dirty boolean not null);
    insert into schema_migrations values (1, false), (3, false); create table t1 ()`)
  const dir = await folder(Object.fromEntries([1, 2, 3].map(n => [`${n}_t.up.sql`, `create table t${n} ();`])))
  expect(await followed(database, 'golang-migrate', dir)).toEqual([7, expect.stringContaining('lacks 2_t')])
  await database.query('drop schema schemagate cascade')
  await expect(on(database, dir).adopt()).rejects.toMatchObject({
    exitCode: 6,
    message: expect.stringContaining('out-of-order: 2_t is not in the history'),
  })
})

describe('after the adoption of a number alone', () => {
  const up = (n: number) => ({ [`${n}_t.up.sql`]: `create table t${n} ();` })
  const at = (version: number, dirty = false) =>
    `truncate schema_migrations; insert into schema_migrations values (${version}, ${dirty})`
  const table =
    'create table schema_migrations (version bigint primary key, dirty boolean not null); create table t1 ();'

  test('a file that came to the folder below it is not taken for applied', async ({ database }) => {
    await database.query(`${table}${at(4)}`)
    const dir = await folder({ ...up(1), ...up(4) })
    const migrator = on(database, dir)
    await migrator.adopt()
    await write(dir, up(5))
    await database.query(at(5))
    const refused = { exitCode: 6, message: expect.stringMatching(/out-of-order: 3_t is not in the history/) }
    await write(dir, up(3))
    await expect(migrator.adopt()).rejects.toMatchObject(refused)
    await rm(join(dir, '3_t.up.sql'))
    expect((await migrator.adopt({ keepHistory: true })).recorded).toEqual(['5_t'])
    // the ledger's own number counts as well
    await write(dir, up(7))
    expect(await migrator.up()).toMatchObject({ outcome: 'applied' })
    await write(dir, up(6))
    await expect(migrator.adopt()).rejects.toMatchObject({ exitCode: 6 })
  })

  test('what the tool has passed, or begun, is not run again', async ({ database }) => {
    await database.query(`${table}${at(1)}`)
    const migrator = on(database, await folder({ ...up(1), ...up(2), ...up(3) }))
    await migrator.adopt()
    const told = async () => (await migrator.status()).problems.map(({ code, migration }) => `${code} ${migration}`)
    for (const [rows, problems] of [
      [at(9), ['moved-on 2_t', 'moved-on 3_t', 'moved-on 9']],
      [at(9, true), ['moved-on 9', 'moved-on 2_t', 'moved-on 3_t']],
      [at(2, true), ['moved-on 2_t']],
    ] as const) {
      await database.query(rows)
      expect(await told()).toEqual(problems)
      expect((await migrator.up()).error).toMatchObject({ exitCode: 6 })
    }
    // it has failed at what is applied here
    await database.query(at(1))
    expect(await migrator.up()).toMatchObject({ outcome: 'applied' })
    await database.query(at(2, true))
    expect(await told()).toEqual([])
  })
})

test.for(['prisma', 'golang-migrate', 'rails', 'alembic'])(
  'a dump from before the adoption, restored beside the ledger, is not taken for what the ledger has: %s',
  async (tool, { database }) => {
    await database.query(historySql(tool) + livingSchema)
    const migrator = on(database, historyFolder(tool))
    expect((await migrator.adopt()).recorded).toHaveLength(4)
    expect(await migrator.up()).toMatchObject({ exitCode: 0 })
    await database.query(`${newestTwoGone[tool]}; drop table comments, tags`)
    const refused = {
      exitCode: 6,
      message: expect.stringMatching(/has taken .* back since .* drop schema "schemagate" cascade/),
    }
    expect((await migrator.up()).error).toMatchObject(refused)
    expect((await migrator.check()).error).toMatchObject(refused)
    await database.query('drop schema "schemagate" cascade')
    const { recorded, pending } = await migrator.adopt()
    expect([recorded.length, pending.length]).toEqual([2, 2])
  },
)

test('what the tool has begun again since the adoption stops `up`', async ({ database }) => {
  await database.query(historySql('sqlx') + livingSchema)
  const migrator = on(database, historyFolder('sqlx'))
  await migrator.adopt()
  await database.query('update _sqlx_migrations set success = false where version = 20240104000000')
  expect((await migrator.up()).error).toMatchObject({
    exitCode: 6,
    message: expect.stringMatching(/sqlx has begun 20240104000000 again since .* sqlx failed half-way in/),
  })
})

test('a history of which row level security hides rows is not adopted', async ({ database }) => {
  const role = database.role('adopter')
  await database.query(`${historySql('prisma')}${livingSchema}alter table _prisma_migrations enable row level security;
    create policy newest on _prisma_migrations using (migration_name not like '20240104%');
    create role ${role} login password 'x'; grant create on database ${database.name} to ${role}; grant select, update on _prisma_migrations to ${role}`)
  const dir = historyFolder('prisma')
  await expect(createMigrator({ databaseUrl: database.urlFor(role, 'x'), dir }).adopt()).rejects.toMatchObject({
    exitCode: 9,
    message: expect.stringContaining('alter table "public"."_prisma_migrations" disable row level security'),
  })
  expect((await on(database, dir).adopt()).recorded).toHaveLength(4)
})

test('the newest of a history is the one with the highest number', async ({ database }) => {
  const numbers = Array.from({ length: 10 }, (_, i) => i + 1)
  await database.query(`create table _sqlx_migrations (version bigint primary key, description text not null,
      installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null, execution_time bigint not null);
    insert into _sqlx_migrations select n, 'x', now(), true, '', 1 from generate_series(1, 10) n`)
  const dir = await folder(Object.fromEntries(numbers.map(n => [`${n}_x.sql`, `create table t${n} ();`])))
  expect((await on(database, dir).up()).error?.message).toMatch(/10 migrations, newest 10\).*baseline 10_x/)
  expect((await on(database, dir, 'sqlx').status()).head).toBe('10_x')
})
