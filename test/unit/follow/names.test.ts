// Tools whose migrations are known by names of files, and of classes in them.

import { describe, expect, test } from 'vitest'
import { historyToolNamed, historyTools } from '../../../gate/histories/index.ts'
import { canBeFollowed, historyToolNames } from '../../../gate/histories/tool-names.ts'
import { UsageError } from '../../../migrator/errors.ts'
import { readFolder } from '../../../migrator/files/folder.ts'
import { layoutNamed } from '../../../migrator/files/tools/index.ts'
import { readFollowed } from '../../../migrator/follow/files/index.ts'
import { filesToolOf, toolFiles } from '../../../migrator/histories/index.ts'
import { historyFixtures, historyFolder } from '../../helpers/histories.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

const files = (...names: string[]) => Object.fromEntries(names.map(name => [name, '']))
const keysOf = async (tool: string, dir: string) => (await readFollowed(tool, dir)).map(({ key }) => key)

describe('folders of SQL files', () => {
  const withFolder = historyFixtures.filter(tool => layoutNamed(tool))

  test('have the keys by which an adoption finds their rows', async () => {
    expect(withFolder.length).toBeGreaterThan(14)
    for (const tool of withFolder) {
      const read = toolFiles(filesToolOf(historyToolNamed(tool)!), readFolder(historyFolder(tool), { layout: tool }))
      expect([tool, await keysOf(tool, historyFolder(tool))]).toEqual([tool, read.map(({ key }) => key)])
    }
  })

  test.for([
    [
      'flyway',
      files('V1__a.sql', 'V2_1__b.java', 'deep/er/V1.3__c.sql', 'R__views.sql', 'U1__a.sql', 'notes.sql'),
      ['1', '1.3', '2.1', 'R__views'],
    ],
    [
      'flyway',
      files(
        'V1__a.sql',
        'vendor/V2__b.sql',
        'node_modules/x/V3__c.sql',
        'env/pyvenv.cfg',
        'env/V4__d.sql',
        '.x/V5__e.sql',
      ),
      ['1', '2', '3', '4'],
    ],
    ['flyway', files('V1__a.sql', 'B2__base.sql', 'V2__b.sql', 'V3__c.sql'), ['2', '3']],
    ['goose', files('00001_a.sql', '00003_c.go', '00002_b.sql', '00002_b_test.go', 'main.go'), ['1', '2', '3']],
    ['golang-migrate', files('1_a.up.sql', '1_a.down.sql', '10_c.up.json', '2_b.up.sql'), ['1', '2', '10']],
    [
      'node-pg-migrate',
      files('1700000000001_b.js', '1700000000000_a.sql', '1700000000002_c.ts', '1700000000002_c.d.ts'),
      ['1700000000000_a', '1700000000001_b', '1700000000002_c'],
    ],
    ['postgrator', files('001.do.a.sql', '001.undo.a.sql', '002.do.b.js'), ['1', '2']],
    ['refinery', files('V1__a.sql', 'deep/V2__b.sql', 'U3__c.sql'), ['1', '2', '3']],
    ['morph', files('000001_a.up.sql', '000001_a.down.sql', '000002_b.up.sql'), ['1', '2']],
    ['sql-migrate', files('first.sql', '2_second.sql'), ['first', '2_second']],
    ['dbmate', files('20240101_a.sql', '20240102_b.ts'), ['20240101']],
    ['diesel', files('2024-01-01-000000_a/up.sql', '2024-01-01-000000_a/down.sql', 'b/notes.md'), ['20240101000000']],
    ['prisma', files('20240101000000_a/migration.sql', 'migration_lock.toml', 'seed.sql'), ['20240101000000_a']],
    ['prisma', files('1_a/migration.sql', '2_b.sql/migration.sql'), ['1_a', '2_b.sql']],
  ] as const)('%s: %o', async ([tool, written, keys]) => {
    expect((await keysOf(tool, writtenFolder(written))).toSorted()).toEqual([...keys].toSorted())
  })

  test("stand in for older ones with an Atlas' checkpoint", async () => {
    const dir = writtenFolder({ ...files('1_a.sql', '2_b.sql', '4_d.sql'), '3_c.sql': '-- atlas:checkpoint\n\n' })
    expect(await readFollowed('atlas', dir)).toEqual([
      { key: '3', name: '3_c', replaces: ['1', '2'] },
      { key: '4', name: '4_d' },
    ])
  })

  test('need not be what schemagate could run', async () => {
    const dir = writtenFolder({ '1_a.sql': '-- +goose ENVSUB ON\n-- +goose Up\nselect ${X}' })
    expect(await keysOf('goose', dir)).toEqual(['1'])
  })

  test('miss a file that the journal of Drizzle lists', async () => {
    const dir = writtenFolder({ 'meta/_journal.json': JSON.stringify({ entries: [{ tag: '0000_a', when: 1 }] }) })
    await expect(keysOf('drizzle', dir)).rejects.toThrow(/has no 0000_a\.sql/)
  })
})

describe('folders of code', () => {
  test.for([
    [
      'rails',
      '',
      files(
        'db/migrate/20240102000000_b.rb',
        'db/migrate/001_a.rb',
        'db/migrate/in/20240103000000_c.blog.rb',
        'db/migrate/README',
        'db/schema.rb',
      ),
      ['1', '20240102000000', '20240103000000'],
    ],
    [
      'rails',
      '',
      {
        'db/structure.sql': `SET x;\nINSERT INTO "schema_migrations" (version) VALUES\n('20240102000000'),\n('20240101000000');\n\nselect '9';\n`,
      },
      ['20240101000000', '20240102000000'],
    ],
    [
      'rails',
      '/db/migrate',
      {
        'db/migrate/.keep': '',
        'db/schema.rb': '# a comment\nActiveRecord::Schema[7.1].define(version: 2024_01_02_000000) do\nend\n',
      },
      ['20240102000000'],
    ],
    [
      'knex',
      '',
      files(
        '20240101_a.js',
        '20240102_b.ts',
        '20240102_b.js',
        '20240103_c.cjs',
        '20240103_c.d.ts',
        'x.js.map',
        '4_d.mjs',
      ),
      ['20240101_a', '20240102_b', '20240103_c', '4_d'],
    ],
    // the folder itself is named, and what it holds are not only its migrations
    [
      'kysely',
      '',
      {
        '1_a.ts': 'export async function up(db) {}\n',
        '2_b.mjs': 'const up = () => {}\nexport { down, up }\n',
        '3_c.js': 'exports.up = async db => {}\n',
        '4_d.ts': 'export default { async up(db) {} }\n',
        '5_e.d.ts': 'export declare function up(): void\n',
        '6_f.js':
          'Object.defineProperty(exports, "__esModule", { value: true });\n_export(exports, { down: function() { return down; }, up: function() { return up; } });\nasync function up(db) {}\n',
        '7_g.js': 'Object.defineProperty(exports, "up", { enumerable: true, get: () => up });\n',
        '8_h.ts': "export * from './shared/h.ts'\n",
        '9_i.js': "module.exports = require('./shared/i')\n",
        '1_a.test.ts': "import { up } from './1_a.ts'\n",
        '10_j.cjs': 'exports.up = async db => {}\n',
        '11_k.cts': 'export async function up(db) {}\n',
        '12_l.d.cts': 'export declare function up(): void\n',
        'later.js': 'exports["up"] = async db => {}\n',
        'index.ts': "export * as _1_a from './1_a'\n",
        'provider.ts': 'export class Provider { get(m) { return { up: () => m.up() } } }\n',
      },
      ['10_j', '11_k', '1_a', '2_b', '3_c', '4_d', '6_f', '7_g', '8_h', '9_i', 'later'],
    ],
    [
      'lucid',
      '',
      files(
        'database/migrations/2_b.js',
        'database/migrations/2_b.d.ts',
        'database/migrations/tenants/1_a.ts',
        'database/seeders/3_c.ts',
        'ace.js',
      ),
      ['1_a', '2_b'],
    ],
    [
      'mikro-orm',
      '',
      files('Migration20240101000000.ts', 'Migration20240102000000_b.js', 'x.d.ts', '.snapshot-x.json'),
      ['Migration20240101000000', 'Migration20240102000000_b'],
    ],
    ['knex', '', files('knexfile.js', 'migrations/1_a.js'), ['1_a']],
    ['knex', '', files('1_a.js', 'migrations/README.md'), ['1_a']],
    // both run whatever ends in .js
    ['knex', '', files('1_a.js', '1_a.test.js'), ['1_a', '1_a.test']],
    ['db-migrate', '', files('migrations/2_b.js', 'migrations/1_a.ts', 'migrations/shop/3_c.js'), ['1_a', '2_b']],
    ['ley', '', files('000-a.mjs', 'more/001-b.cjs', 'types.d.ts'), ['000-a', '001-b']],
    [
      'yoyo',
      '',
      files('1.a.sql', '1.a.rollback.sql', '2.b.py', '__init__.py', 'post-apply.py', 'post-apply.sql'),
      ['1.a', '2.b'],
    ],
    ['sequelize', '', files('1_a.js', '1_a.spec.js', '1_a.js.map'), ['1_a', '1_a.spec']],
    [
      'sequelize',
      '',
      files(
        'migrations/2_b.cjs',
        'migrations/1_a.js',
        'migrations/1_a.d.ts',
        'migrations/3_c.sql',
        'migrations/3_c.down.sql',
      ),
      ['1_a', '2_b', '3_c'],
    ],
    [
      'ecto',
      '',
      files(
        'priv/repo/migrations/20240102_b.exs',
        'priv/repo/migrations/old/20240101_a.exs',
        'priv/repo/migrations/.formatter.exs',
        'priv/repo/migrations/20240103_c.ex',
      ),
      ['20240101', '20240102'],
    ],
    [
      'laravel',
      '',
      files(
        'database/migrations/2024_01_01_000000_a.php',
        'database/migrations/in/2024_01_02_000000_b.php',
        'database/migrations/readme.md',
      ),
      ['2024_01_01_000000_a'],
    ],
    [
      'laravel',
      '',
      files(
        'database/migrations/2024_01_01_000000_a.php',
        'packages/Shop/src/Database/Migrations/2024_01_03_000000_b.php',
        'packages/Shop/src/helpers_b.php',
        'Modules/Blog/vendor/2024_01_02_000000_c.php',
        'tests/migrations/2024_01_04_000000_d.php',
        'vendor/autoload.php',
        'vendor/acme/migrations/2024_01_05_000000_e.php',
      ),
      ['2024_01_01_000000_a', '2024_01_02_000000_c', '2024_01_03_000000_b'],
    ],
    [
      'laravel',
      '/database/migrations',
      {
        'database/migrations/2024_01_02_000000_b.php': '',
        'database/schema/pgsql-schema.sql':
          'x;\nCOPY public.migrations (id, migration, batch) FROM stdin;\n1\t2024_01_01_000000_a\t1\n\\.\n\nselect 1;\n',
      },
      ['2024_01_01_000000_a', '2024_01_02_000000_b'],
    ],
  ] as const)('%s in "%s": %o', async ([tool, folder, written, keys]) => {
    expect(await keysOf(tool, `${writtenFolder(written)}${folder}`)).toEqual(keys)
  })

  test('of Ecto for another repository are left out with a warning', async () => {
    const dir = writtenFolder(files('priv/repo/migrations/1_a.exs', 'priv/account/migrations/2_b.exs'))
    const left: string[] = []
    const read = async (folder: string) =>
      (await readFollowed('ecto', `${dir}${folder}`, { onLeftOut: ({ message }) => left.push(message) })).length
    expect(await read('')).toBe(1)
    expect(left).toEqual([expect.stringContaining('priv/account/migrations is left out')])
    expect(await read('/priv')).toBe(2)
    expect(left).toHaveLength(1)
  })

  test("of Flyway's package are read in the sources as well, and others there are left out with a warning", async () => {
    const dir = await writtenFolder(
      files(
        'src/main/resources/db/migration/V1__a.sql',
        'src/main/java/db/migration/V2__b.java',
        'src/main/java/db/migration/Helper.java',
        'src/main/kotlin/com/acme/migrations/V3__c.kt',
        'src/test/java/db/migration/V4__d.java',
      ),
    )
    const left: string[] = []
    const onLeftOut = ({ message }: { message: string }) => left.push(message)
    for (const inside of ['/db/migration', '']) {
      const migrations = await readFollowed('flyway', `${dir}/src/main/resources${inside}`, { onLeftOut })
      expect(migrations.map(({ key }) => key)).toEqual(inside ? ['1', '2'] : ['1', '2', '3'])
    }
    expect(left).toEqual([
      expect.stringMatching(/kotlin\/com\/acme\/migrations is left out: .*name a folder that has both with --dir/),
    ])
  })

  test("of Flyway in folders for several databases are not taken for one folder's", async () => {
    const forEach = ['h2', 'mysql', 'postgresql'].flatMap(folder => [`${folder}/V2.0__b.sql`, `${folder}/R__v.sql`])
    const names = ['common/V1__a.sql', ...forEach]
    const dir = await writtenFolder(files(...names))
    await expect(keysOf('flyway', dir)).rejects.toThrow(
      /V2\.0__b\.sql, which Flyway refuses.*--ignore '(?:h2|mysql)\/\*\*' --ignore '(?:h2|mysql)\/\*\*'; .*--dir \S+\/postgresql$/,
    )
    const migrations = await readFollowed('flyway', dir, { ignore: ['h2/**', 'mysql/**'] })
    expect(migrations.map(({ key }) => key)).toEqual(['1', '2', 'R__v'])
  })

  test('of Flyway with another prefix are told, and refused where they are all', async () => {
    const dir = await writtenFolder(files('a/1__a.sql', 'a/R__v.sql', 'b/m1.2__a.sql', 'b/V1__a.sql', 'b/notes__x.sql'))
    await expect(keysOf('flyway', `${dir}/a`)).rejects.toThrow(
      /1__a\.sql does not begin with V.*sqlMigrationPrefix=, name a folder with copies/,
    )
    const left: string[] = []
    await readFollowed('flyway', `${dir}/b`, { onLeftOut: ({ message }) => left.push(message) })
    expect(left).toEqual([expect.stringMatching(/m1\.2__a\.sql is left out: .*sqlMigrationPrefix=m, name/)])
  })

  test('of Rails in folders that are not the usual one are left out with a warning', async () => {
    const dir = writtenFolder(
      files(
        'db/migrate/1_a.rb',
        'db/post_migrate/2_b.rb',
        'db/seeds/1_users.rb',
        'modules/x/db/migrate/3_c.rb',
        'spec/dummy/db/migrate/4_d.rb',
        'lib/e.rb',
      ),
    )
    const read = async (folder: string, ignore: readonly string[] = []) => {
      const left: string[] = []
      const onLeftOut = ({ message }: { message: string }) => left.push(message.replaceAll(`${dir}/`, ''))
      const migrations = await readFollowed('rails', `${dir}${folder}`, { ignore, onLeftOut })
      return { keys: migrations.map(({ key }) => key), left }
    }
    expect(await read('')).toEqual({
      keys: ['1'],
      left: [
        expect.stringMatching(
          /^db\/post_migrate is left out: .*name a folder that has both .*--ignore db\/post_migrate$/,
        ),
        expect.stringMatching(/^modules\/x\/db\/migrate is left out/),
      ],
    })
    expect(await read('', ['db/post_migrate', 'modules'])).toEqual({ keys: ['1'], left: [] })
    expect(await read('/db/migrate')).toEqual({ keys: ['1'], left: [] })
    expect(await read('/db', ['seeds'])).toEqual({ keys: ['1', '2'], left: [] })
  })

  test('of TypeORM are classes', async () => {
    const dir = writtenFolder({
      'a.ts':
        "import { MigrationInterface } from 'typeorm'\n// class No1600000000000 {}\nconst text = `class ${'No1600000000001'} ${`{`}`, it = /[`]/\nexport class Users1700000000000 implements MigrationInterface {\n  name = 'Other1700000000001'\n  async up(q: QueryRunner) { await q.createTable({ name: 'users', columns: [{ name: x }] }) }\n  async down() {}\n}\nexport class Second1700000000002 implements MigrationInterface {\n  async up() {}\n  async down() {}\n}\n",
      'b.js':
        'module.exports = class B1700000000003 { constructor() { this.name = "B1700000000004"; }\n async up() {} async down() {} }\n',
      'c.js': 'class Base1700000000005 {}\n',
      'f.ts':
        '// class No1600000000003 implements MigrationInterface {}\n/**\n * class No1600000000004 implements MigrationInterface {}\n */\nexport abstract class Plain implements MigrationInterface { abstract up(): void }\n',
      'c.d.ts': 'export declare class Base1700000000009 implements MigrationInterface {}\n',
      'd/e.ts':
        'export class Deep1700000000006 implements MigrationInterface {\n  public readonly name: string = "Deep1700000000006";\n}\n',
      '.old.ts': 'export class Old1700000000009 implements MigrationInterface {}\n',
      'helper.ts': 'export class Helper { up() {} }\n',
      'node_modules/x.js': 'class X1700000000007 { up() {} down() {} }\n',
      'vendor/m.ts': 'export class Vendor1700000000008 implements MigrationInterface {}\n',
    })
    expect(await readFollowed('typeorm', dir)).toEqual([
      { key: '1700000000001.Other1700000000001', name: 'Other1700000000001' },
      { key: '1700000000002.Second1700000000002', name: 'Second1700000000002' },
      { key: '1700000000004.B1700000000004', name: 'B1700000000004' },
      { key: '1700000000005.Base1700000000005', name: 'Base1700000000005' },
      { key: '1700000000006.Deep1700000000006', name: 'Deep1700000000006' },
      { key: '1700000000008.Vendor1700000000008', name: 'Vendor1700000000008' },
    ])
  })

  test('of TypeORM are known by the whole name: two may have one time', async () => {
    const dir = writtenFolder({
      'b.js': 'class Tags1700000000001 { up() {} down() {} }\n',
      'a.js': 'class Users1700000000000 { up() {} down() {} }\nclass Posts1700000000000 { up() {} down() {} }\n',
    })
    const names = ['Users1700000000000', 'Posts1700000000000', 'Tags1700000000001']
    expect((await readFollowed('typeorm', dir)).map(({ name }) => name)).toEqual(names)
  })

  test('of TypeORM that are listed and in another folder are not passed over', async () => {
    const migration = (name: string) => `export class ${name} implements MigrationInterface {}\n`
    const listed = (path: string) => `import { A1700000000000 } from '${path}'\nexport const all = [A1700000000000]\n`
    const dir = writtenFolder({
      'common/1700000000000-A.ts': migration('A1700000000000'),
      'postgres/1700000000001-B.ts': migration('B1700000000001'),
      'postgres/index.ts': listed('../common/1700000000000-A'),
      'sqlite/1700000000002-C.ts': migration('C1700000000002'),
    })
    await expect(readFollowed('typeorm', `${dir}/postgres`)).rejects.toThrow(
      /index\.ts:1 lists \.\.\/common\/1700000000000-A, which is not in the folder/,
    )
    const names = async (...ignore: string[]) => (await readFollowed('typeorm', dir, { ignore })).map(one => one.name)
    expect(await names('sqlite')).toEqual(['A1700000000000', 'B1700000000001'])
    expect(await names('sqlite', 'common')).toEqual(['B1700000000001'])
  })

  test('of EF Core are attributes', async () => {
    const designer = (id: string, more = '') =>
      `// [Migration("no")]\n#region it's\n/* [Migration("no")] */\nusing Microsoft.EntityFrameworkCore;\n[DbContext(typeof(App.Data.Shop))]\n[${more}Migration(${id})]\npartial class X { string y = @"C:\\[Migration(""no"")]\\"; char q = '"'; }\n`
    const dir = writtenFolder({
      'Migrations/20240102_B.cs': 'public partial class B : Migration { }\n',
      'Migrations/20240102_B.Designer.cs': designer('"20240102_B"'),
      'Migrations/20240101_A.cs': designer('@"20240101_A"', 'Microsoft.EntityFrameworkCore.Migrations.'),
      'Migrations/ShopModelSnapshot.cs': '[DbContext(typeof(Shop))]\nclass S { void M() { new Migration("no"); } }\n',
      'obj/Old.cs': designer('"20230101_Old"'),
    })
    expect(await keysOf('ef-core', dir)).toEqual(['20240101_A', '20240102_B'])
  })
})

describe('what cannot be told is refused', () => {
  const context = '[DbContext(typeof(Shop))]\n'
  test.for([
    ['rails', files('db/migrate/20240101_BadName.rb'), /IllegalMigrationNameError/],
    [
      'rails',
      files('db/migrate/1_a.rb', 'db/migrate/01_b.rb'),
      /01_b and 1_a, which are the same to the history of Rails|1_a and 01_b/,
    ],
    ['ecto', files('1_a.exs', '01_b.exs'), /are the same to the history of Ecto/],
    [
      'laravel',
      { 'database/migrations/2_b.php': '', 'database/schema/pgsql-schema.sql': 'select 1;' },
      /has no rows of the migrations/,
    ],
    ['typeorm', { 'a.ts': 'class Users implements MigrationInterface {}' }, /Users, which TypeORM refuses/],
    [
      'typeorm',
      { 'a.ts': 'class A1700000000000 implements MigrationInterface {\n  name = make()\n}' },
      /a\.ts:2 computes the name/,
    ],
    [
      'typeorm',
      {
        'a.js': 'class A1700000000000 { up() {} down() {} }',
        'b.js':
          'var B1700000000001 = (function () {\n  function B1700000000001() {}\n  B1700000000001.prototype.up = function () {}\n  return B1700000000001\n}())',
      },
      /b\.js:3 has a class as compilers wrote it for ES5/,
    ],
    [
      'typeorm',
      { 'a.ts': 'class A1700000000000 implements MigrationInterface {\n  name = `A${time}`\n}' },
      /a\.ts:2 computes the name/,
    ],
    [
      'typeorm',
      {
        'a.ts': 'if (a) /`/.test(a)\nexport class A1700000000000 implements MigrationInterface {}\n',
        'b.ts': 'export class B1700000000001 implements MigrationInterface {}\n',
      },
      /a\.ts:2 has a migration that cannot be read.*--ignore/,
    ],
    [
      'typeorm',
      {
        'a.ts':
          'class A1700000000000 implements MigrationInterface {}\nif (a) /`/.test(a)\nexport default class B1700000000001\n  extends Base implements MigrationInterface {}\n',
      },
      /a\.ts:3 has a migration that cannot be read/,
    ],
    [
      'ef-core',
      { 'a.cs': 'var a = $"{b("/*")}";\n  [Migration("1_A")]\nclass A {}', 'b.cs': `${context}[Migration("2_B")]` },
      /a\.cs:2 has a migration that cannot be read.*--ignore/,
    ],
    [
      'ef-core',
      { 'a.cs': `${context}[Migration(Ids.First)]\nclass A {}` },
      /a\.cs:2 has a \[Migration\] whose text is computed/,
    ],
    [
      'ef-core',
      { 'Pg/a.cs': `${context}[Migration("1_A")]`, 'My/a.cs': `${context}[Migration("2_A")]` },
      /in 2 folders, as for several databases/,
    ],
    ['goose', files('1_a.sql', '01_b.sql'), /are the same to the history of goose/],
    ['drizzle', { 'meta/_journal.json': '{' }, /no JSON/],
    [
      'prisma',
      files('20240101000000_a/migration.sql', '20240102000000_b/x.md'),
      /20240102000000_b has no migration\.sql/,
    ],
    ['dbmate', files('1_a.sql', '2_b.sql/x'), /2_b\.sql is a folder, and its name is a migration's file/],
    ['flyway', files('V1__a.sql', 'sub/V2__b.sql/x'), /sub\/V2__b\.sql is a folder, and its name/],
    ['knex', files('1_a.js', '2_b.js/x'), /2_b\.js is a folder, and its name/],
    ['knex', files('README.md'), /has no migration of Knex/],
    [
      'knex',
      files('1_a.js', '2_b.js', 'migrations/3_c.js'),
      /holds 1_a\.js, and the folder migrations in it 3_c\.js: .*--dir.*--ignore 'migrations'/,
    ],
    ['laravel', files('1_a.php', 'database/migrations/2_b.php'), /--ignore 'database\/migrations'/],
    ['liquibase', files('a.xml'), /contexts, labels and preconditions/],
    ['sqitch', files('sqitch.plan', 'deploy/a.sql'), /order of its scripts is in sqitch\.plan/],
  ] as const)('%s: %o', async ([tool, written, message]) => {
    const read = keysOf(tool, writtenFolder(written))
    await expect(read).rejects.toThrow(UsageError)
    await expect(read).rejects.toThrow(message)
  })

  test('of a folder in the one that is named, unless one of them is left out', async () => {
    const dir = writtenFolder(files('1_a.js', '2_b.js', 'migrations/3_c.js'))
    const keys = async (...ignore: string[]) => (await readFollowed('knex', dir, { ignore })).map(({ key }) => key)
    expect(await keys('migrations')).toEqual(['1_a', '2_b'])
    expect(await keys('1_a.js', '2_b.js')).toEqual(['3_c'])
  })

  test('of a folder that is not there', async () => {
    for (const { name } of historyTools)
      await expect(keysOf(name, '/nowhere')).rejects.toThrow(/does not exist|cannot be made|has no/)
  })
})

test('the names that are known without what reads the histories are those of all tools', () => {
  expect(historyToolNames).toEqual([...new Set(historyTools.map(({ name }) => name))])
  for (const { name, unread } of historyTools) expect(canBeFollowed(name), name).toBe(unread === undefined)
})
