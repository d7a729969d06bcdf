// Folders written for another tool, run: the database is as that tool would make it, or nothing was done.

import { describe, expect } from 'vitest'
import { createMigrator, type Migrator, type MigratorOptions } from '../../../migrator/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { journal } from '../../helpers/tool-folders.ts'

type Files = Readonly<Record<string, string>>

const table = (name: string) => `create table ${name} (id int primary key);\n`
const both = (up: string, down: string, name: string) => `${up}\n${table(name)}${down}\ndrop table ${name};\n`

async function migratorOn(database: ScratchDatabase, files: Files, more: Partial<MigratorOptions> = {}) {
  return createMigrator({ databaseUrl: database.url, dir: await folder(files), ...more })
}

/** What the project's tables are now, with their columns. */
async function tables(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select c.relname || '(' || string_agg(a.attname, ',' order by a.attnum) || ')' as name
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace group by c.relname order by 1`,
  )
  return rows.map(({ name }) => name)
}

const rowsOf = async (database: ScratchDatabase) =>
  (await database.query(`select name, kind from schemagate.ledger order by position`)).rows.map(
    r => `${r.name} ${r.kind}`,
  )

async function applied(migrator: Migrator): Promise<readonly string[]> {
  const { error, migrations } = await migrator.up()
  expect(error?.message).toBeUndefined()
  return migrations.map(({ name, status }) => `${status} ${name}`)
}

const cups = 'create table cups (id int primary key);\n'
const handle = 'alter table cups add column handle text;\n'

describe('means what its tool makes of it', () => {
  const cases: readonly (readonly [string, Files, readonly string[]])[] = [
    [
      'Prisma, by name',
      { '20240915000000_init/migration.sql': cups, '20241231_handles/migration.sql': handle },
      ['cups(id,handle)'],
    ],
    [
      'Play',
      { '1.sql': both('-- !Ups', '\n-- !Downs', 'cups'), '2.sql': both('# --- !Ups', '# --- !Downs', 'lids') },
      ['cups(id)', 'lids(id)'],
    ],
    [
      'sql-migrate, down first',
      { '0001.sql': `-- +migrate Down\ndrop table cups;\n\n-- +migrate Up\n${cups}` },
      ['cups(id)'],
    ],
    [
      'node-pg-migrate, down first',
      { '0002.sql': `-- Down Migration\ndrop table cups;\n\n-- Up Migration\n${cups}` },
      ['cups(id)'],
    ],
    [
      'cigogne',
      { '1_a.sql': `${both('--- migration:up', '--- migration:down', 'lids')}\n--- migration:end\n` },
      ['lids(id)'],
    ],
    ['postgrator', { '001.do.cups.sql': cups, '001.undo.cups.sql': 'drop table cups;\n' }, ['cups(id)']],
    [
      'a down file without its up',
      { '1_cups.up.sql': cups, '2_lost.down.sql': 'drop table cups;\n', '3_lids.up.sql': table('lids') },
      ['cups(id)', 'lids(id)'],
    ],
    [
      'a stray file beside Diesel',
      { '2024-01-01-000000_cups/up.sql': cups, 'sample_data.sql': 'insert into cups values (1);' },
      ['cups(id)'],
    ],
    [
      "Drizzle's breakpoints and journal",
      {
        '0000_cups.sql': `create table cups (id int primary key)\n--> statement-breakpoint\nalter table cups add column handle text\n`,
        '0001_attic.sql': table('attic'),
        '0001_lids.sql': table('lids'),
        'meta/_journal.json': journal('0000_cups', '0001_lids'),
      },
      ['cups(id,handle)', 'lids(id)'],
    ],
  ]

  test('with its order, its parts and its omissions', async ({ database }) => {
    for (const [tool, files, wanted] of cases) {
      const migrator = await migratorOn(database, files)
      expect((await migrator.up()).error?.message, tool).toBeUndefined()
      expect(await tables(database), tool).toEqual(wanted)
      expect(await migrator.up(), tool).toMatchObject({ outcome: 'nothing-to-do' })
      await database.query('drop schema public, schemagate cascade; create schema public')
    }
  })

  test("Play's ;; in a function, and its way back", async ({ database }) => {
    const body = 'begin;; insert into cups values (1);; return null;; end'.replace('begin;;', 'begin')
    const files = {
      '1.sql': `# Cups\n\n# --- !Ups\n${cups}create function f() returns trigger language plpgsql as $$ ${body} $$;\n\n# --- !Downs\ndrop function f();\ndrop table cups;\n`,
    }
    const migrator = await migratorOn(database, files)
    await applied(migrator)
    const { rows } = await database.query(`select prosrc from pg_proc where proname = 'f'`)
    expect(rows[0]?.prosrc).toBe(' begin insert into cups values (1); return null; end ')
    expect(await migrator.down({ confirmed: true })).toMatchObject({ exitCode: 0 })
    expect(await tables(database)).toEqual([])
  })
})

describe('is refused before anything is run', () => {
  const first = { '0001_first.sql': table('first') }
  const marked = both('-- migrate:up', '-- migrate:down', 'x')
  const cases: readonly (readonly [string, Files, RegExp])[] = [
    [
      'unknown marks',
      { ...first, '2_cups.sql': `-- Up\n${cups}\n-- Down\ndrop table cups;\n` },
      /2_cups\.sql, line 4: `-- Down` looks like/,
    ],
    [
      'a word of a way back',
      { ...first, '3_jars.sql': `-- upgrade\n${cups}\n-- rollback\ndrop table cups;\n` },
      /`-- rollback` looks like/,
    ],
    [
      'a migration in Go',
      { ...first, '00002_fill.go': 'package migrations' },
      /00002_fill\.go is a migration that only goose can run/,
    ],
    [
      'dates of several lengths',
      { '20240101000000_init.sql': cups, '20250315_mode.sql': handle },
      /20250315_mode\.sql comes before .*20240101000000_init\.sql; .*Supabase.* --layout native or --layout supabase/,
    ],
    [
      'two orders of folders',
      { '1/up.sql': cups, '2/up.sql': handle, '10/up.sql': 'select 1;' },
      /By number .*2\/up\.sql comes before .*10\/up\.sql; .*order of Diesel.* --layout native or --layout diesel/,
    ],
    [
      'two orders of versions',
      { '1.2.0.sql': cups, '1.10.0.sql': handle },
      /By name .*1\.10\.0\.sql comes before .*1\.2\.0\.sql; by version it comes after\. .*--layout native/,
    ],
    ['two orders', { '1_a.sql': marked, '2_b.sql': marked, '10_c.sql': marked }, /--layout native or --layout dbmate/],
    [
      'a placeholder of graphile-migrate, also in a string',
      { '000001.sql': `--! Previous: -\n--! Hash: sha1:0\n\n${cups}comment on table cups is 'of :DATABASE_OWNER';\n` },
      /000001\.sql, line 5, column \d+: `:DATABASE_OWNER` is a placeholder of graphile-migrate/,
    ],
    [
      'any placeholder of graphile-migrate where SQL must stand',
      { '000001.sql': `--! Previous: -\n--! Hash: sha1:0\n\n${cups}grant select on cups to :VISITOR;\n` },
      /`:VISITOR` is a placeholder of graphile-migrate/,
    ],
    [
      "tern's templates, in a string",
      {
        '1_a.sql': `${cups}insert into cups values (length('{{.x}}'));\n---- create above / drop below ----\ndrop table cups;\n`,
      },
      /`\{\{\.x\}\}` is a template of tern/,
    ],
    [
      "Flyway's own words anywhere",
      { ...first, '2_a.sql': `select '\${flyway:defaultSchema}';\n` },
      /`\$\{flyway:defaultSchema\}` is a placeholder of Flyway/,
    ],
    [
      "a file that only Flyway's settings run or leave out",
      { 'V1__a.sql': cups, 'V2__b.sql': 'drop table cups;', 'V2__b.sql.conf': 'shouldExecute=false\n' },
      /V2__b\.sql has `shouldExecute=false` in V2__b\.sql\.conf.*--ignore 'V2__b\.sql'/,
    ],
    [
      "MyBatis' variables, in a string",
      { '1_a.sql': `select '\${schema}';\n-- //@UNDO\nselect 1;\n` },
      /is a variable of MyBatis Migrations/,
    ],
    [
      "Play's variables",
      { '1.sql': `# --- !Ups\nselect '$evolutions{{{x}}}';\n# --- !Downs\n` },
      /is a placeholder of Play's evolutions/,
    ],
  ]

  test('by what is in its files', async ({ database }) => {
    for (const [what, files, message] of cases) {
      const { error, exitCode } = await (await migratorOn(database, files)).up()
      expect(error?.message, what).toMatch(message)
      expect(exitCode, what).toBe(2)
    }
    expect(await tables(database)).toEqual([])
  })

  test('the same in strings is rightful in any other folder', async ({ database }) => {
    const text = `select '{{.x}}', '\${schema}', ':DATABASE_OWNER', '$evolutions{{{x}}}';\n`
    expect(await applied(await migratorOn(database, { '1_a.sql': text }))).toEqual(['applied 1_a'])
  })
})

describe('an order that changed since 0.1', () => {
  const marked = (name: string) => both('-- migrate:up', '-- migrate:down', name)

  test('does not make a database out of order that was migrated in the other', async ({ database }) => {
    const dir = await folder({ '1_a/up.sql': table('a'), '2_b/up.sql': table('b'), '10_c/up.sql': table('c') })
    const native = createMigrator({ databaseUrl: database.url, dir, layout: 'native' })
    expect(await applied(native)).toEqual(['applied 1_a', 'applied 2_b', 'applied 10_c'])
    const diesel = createMigrator({ databaseUrl: database.url, dir })
    expect(await diesel.check()).toMatchObject({ state: 'current' })
    await write(dir, { '11_d/up.sql': table('d') })
    expect(await applied(diesel)).toEqual(['applied 11_d'])
    // what is older by both is late
    await write(dir, { '0_e/up.sql': table('e') })
    expect(await diesel.up()).toMatchObject({ exitCode: 6 })
  })

  test('is no question where a single file is pending', async ({ database }) => {
    const dir = await folder({ '1_a.sql': marked('a'), '2_b.sql': marked('b') })
    const migrator = createMigrator({ databaseUrl: database.url, dir })
    await applied(migrator)
    await write(dir, { '10_c.sql': marked('c') })
    expect(await applied(migrator)).toEqual(['applied 10_c'])
    await write(dir, { '11_d.sql': marked('d') })
    expect(await applied(migrator)).toEqual(['applied 11_d'])
  })
})

describe('what stands in for older migrations', () => {
  const flyway = { 'V1__a.sql': table('a'), 'V2__b.sql': table('b'), 'V3__c.sql': table('c') }
  const base = { 'B2__base.sql': `${table('a')}${table('b')}` }

  test('is run on an empty ledger, and what it stands in for is recorded', async ({ database }) => {
    const migrator = await migratorOn(database, { ...flyway, ...base })
    expect(await applied(migrator)).toEqual(['applied B2__base', 'skipped V1__a', 'skipped V2__b', 'applied V3__c'])
    expect(await tables(database)).toEqual(['a(id)', 'b(id)', 'c(id)'])
    expect(await rowsOf(database)).toEqual(['B2__base sql', 'V1__a baseline', 'V2__b baseline', 'V3__c sql'])
    expect(await migrator.status()).toMatchObject({ state: 'current', head: 'V3__c', problems: [] })
    expect(await migrator.up()).toMatchObject({ outcome: 'nothing-to-do' })
  })

  test('is passed over on any other, and then the head is what was run', async ({ database }) => {
    const dir = await folder(flyway)
    const migrator = createMigrator({ databaseUrl: database.url, dir })
    await applied(migrator)
    await write(dir, base)
    expect(await applied(migrator)).toEqual(['skipped B2__base'])
    await write(dir, { 'V4__d.sql': table('d'), 'U4__d.sql': 'drop table d;\n' })
    expect(await applied(migrator)).toEqual(['applied V4__d'])
    expect(await migrator.down({ confirmed: true })).toMatchObject({ exitCode: 0, head: 'V3__c' })
    expect(await migrator.status()).toMatchObject({ state: 'pending', pending: [{ name: 'V4__d' }] })
  })

  test('alone is a beginning like any other (hawkbit)', async ({ database }) => {
    const migrator = await migratorOn(database, {
      ...base,
      'V3__handle.sql': 'alter table a add column handle text;\n',
    })
    expect(await applied(migrator)).toEqual(['applied B2__base', 'applied V3__handle'])
    expect(await tables(database)).toEqual(['a(id,handle)', 'b(id)'])
  })

  test('does so in Atlas by a mark, and the newest one counts', async ({ database }) => {
    const files = {
      '1.sql': cups,
      '2_checkpoint.sql': `-- atlas:checkpoint\n\n${cups}`,
      '3.sql': handle,
      '4_checkpoint.sql': `-- atlas:checkpoint\n\ncreate table cups (id int primary key, handle text);\n`,
      '5.sql': 'alter table cups add column lid text;\n',
    }
    const migrator = await migratorOn(database, files)
    await applied(migrator)
    expect(await tables(database)).toEqual(['cups(id,handle,lid)'])
    expect(await migrator.status()).toMatchObject({ state: 'current', head: '5' })
  })

  test('that failed, or that --to leaves out, leaves nothing recorded', async ({ database }) => {
    const dir = await folder({ ...flyway, 'B2__base.sql': 'create table a (id int); select 1/0;' })
    const migrator = createMigrator({ databaseUrl: database.url, dir })
    expect(await migrator.up()).toMatchObject({ exitCode: 5 })
    expect(await rowsOf(database)).toEqual([])
    expect((await migrator.up({ to: 'V1__a' })).error?.message).toMatch(/B2__base stands in for it/)
    await write(dir, base)
    await applied(migrator)
    expect(await tables(database)).toEqual(['a(id)', 'b(id)', 'c(id)'])
  })

  test('keeps what it stands for from being reverted: nothing of that was run', async ({ database }) => {
    const files = { ...flyway, ...base, 'U2__b.sql': 'drop table b;\n', 'U3__c.sql': 'drop table c;\n' }
    const migrator = await migratorOn(database, files)
    await applied(migrator)
    expect(await migrator.down({ confirmed: true })).toMatchObject({ exitCode: 0, head: 'B2__base' })
    const { error, exitCode } = await migrator.down({ confirmed: true })
    expect([exitCode, error?.message]).toEqual([8, expect.stringContaining('B2__base cannot be undone')])
    expect(await applied(migrator)).toEqual(['applied V3__c'])
  })
})

test("a table that is another tool's history is told as that", async ({ database }) => {
  const files = { 'V1__cups.sql': cups, 'V2__forget.sql': 'delete from flyway_schema_history where version is null;\n' }
  const { error } = await (await migratorOn(database, files)).up()
  expect(error?.message).toMatch(/flyway_schema_history is the history of Flyway.*Remove the statement/s)
  expect(error?.message).not.toContain('Correct the file')
  const other = await migratorOn(database, { 'V1__cups.sql': cups, 'V2__own.sql': 'delete from migrations;\n' })
  expect((await other.up()).error?.message).not.toMatch(/history of/)
})

test('what is left out is logged, once a file, and --layout and --ignore are settings like any other', async ({
  database,
}) => {
  const dir = await folder({ 'V1__cups.sql': cups, 'grants.sql': 'select 1;\n', 'notes.sql': 'select 1;\n' })
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    schemagate([...args, '--dir', dir], { env: { DATABASE_URL: database.url, LOG_FORMAT: 'json', ...env } })
  const { code, lines } = await run(['up', '--ignore', 'n*.sql'])
  const leftOut = lines.filter(({ event }) => event === 'left-out')
  expect([code, leftOut.map(({ file }) => file)]).toEqual([0, [`${dir}/grants.sql`]])
  expect(leftOut[0]?.msg).toContain('is left out, as Flyway does')
  expect((await run(['status'], { SCHEMAGATE_IGNORE: 'n*, g*' })).stderr).not.toContain('left-out')
  const wrong = await run(['up', '--layout', 'flyways'])
  expect([wrong.code, wrong.stdout + wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean flyway?')])
  expect((await run(['up'], { SCHEMAGATE_LAYOUT: 'native' })).code).toBe(2)
})

describe('down', () => {
  const lids = { '1_cups.up.sql': cups, '2_lids.up.sql': table('lids'), '2_lids.down.sql': 'drop table lids;\n' }

  const wrong = [
    ['a form', 'BEGIN;\ndrop table cups;\n', /1_cups\.down\.sql, line 1: this BEGIN has no end/],
    ['syntax', 'drop tabel cups;\n', /1_cups\.down\.sql, line 1, column 6: syntax error.*Nothing was reverted/],
    ['a command of psql', '\\i other.sql\n', /1_cups\.down\.sql, line 1.*command of psql/],
  ] as const

  test('looks at all parts before it runs one', async ({ database }) => {
    const dir = await folder(lids)
    const migrator = createMigrator({ databaseUrl: database.url, dir })
    await applied(migrator)
    for (const [what, text, message] of wrong) {
      await write(dir, { '1_cups.down.sql': text })
      const { error, exitCode } = await migrator.down({ step: 2, confirmed: true })
      expect([exitCode, error?.message], what).toEqual([2, expect.stringMatching(message)])
    }
    expect(await tables(database)).toEqual(['cups(id)', 'lids(id)'])
  })

  test('that fails half-way says how far it came, and one that is refused that nothing was reverted', async ({
    database,
  }) => {
    const dir = await folder({ ...lids, '1_cups.down.sql': 'drop table mugs;\n' })
    const run = (...args: string[]) =>
      schemagate([...args, '--dir', dir], { env: { DATABASE_URL: database.url, LOG_FORMAT: 'json' } })
    await run('up')
    const refused = (await run('down', '--step', '2')).lines.at(-1)
    expect(refused).toMatchObject({ event: 'run', reverted: 0, notReached: 2, head: '2_lids' })
    expect(refused?.msg).toMatch(/^failed: 0 reverted, 2 not reached; the head is 2_lids/)
    const failed = (await run('down', '--step', '2', '--yes')).lines.at(-1)
    expect(failed).toMatchObject({ event: 'run', reverted: 1, head: '1_cups', exitCode: 5 })
    expect(failed?.msg).toMatch(/^failed: 1 reverted; the head is 1_cups/)
  })
})

test('a search path that a file leaves to the next one is told, where that does not set it itself', async ({
  database,
}) => {
  const set = (path: string) => `set search_path ${path};\nselect 1;\n`
  const told = async (first: string, second = 'select 2;\n') => {
    const dir = await folder({ '1_a.sql': first, '2_b.sql': second })
    const { code, stderr } = await schemagate(['plan', '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(code).toBe(0)
    return stderr.includes('1_a.sql sets search_path to')
  }
  expect(await told(set('to app, public'))).toBe(true)
  expect(await told(set("= 'app'"))).toBe(true)
  expect(await told(set('to app'), set('to app'))).toBe(false)
  expect(await told(`${set('to app')}reset search_path;\n`)).toBe(false)
  expect(await told(set('to public'))).toBe(false)
  expect(await told(set('= public, pg_catalog'))).toBe(false)
  expect(await told('set local search_path to app;\nselect 1;\n')).toBe(false)
  expect(await told("select pg_catalog.set_config('search_path', '', false);\n")).toBe(false)
  expect(await told("create function f() returns int language sql\nset search_path to app\nas 'select 1';\n")).toBe(
    false,
  )
})
