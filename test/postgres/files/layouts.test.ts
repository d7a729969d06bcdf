// Every layout, with migrations as real projects write them: applied by us and by plain psql, the
// databases are the same.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createMigrator, type Migrator } from '../../../migrator/index.ts'
import { dumpDatabase } from '../../helpers/catalog.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { applyPlainly } from '../../helpers/psql.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/layouts')

interface LayoutCase {
  /** The folder under test/fixtures/layouts. */
  readonly layout: string
  /** The files in the order in which psql is given them: written by hand, so that our ordering is checked too. */
  readonly files: readonly string[]
  /** What of a file is its up part. */
  readonly upPart?: RegExp
  /** Text instead of a file's own: for code, which psql cannot run. */
  readonly instead?: Readonly<Record<string, string>>
  /** How many migrations have a way back: all that are applied, if not said. */
  readonly down?: number | 'none'
  /** Also as a Windows editor saves it: for layouts whose reading could depend on line ends. */
  readonly windows?: true
  /** What is left after all downs, besides nothing. */
  readonly stays?: RegExp
}

/** Everything before the mark of the down part; the up mark is a comment to psql. */
const before = (mark: string) => new RegExp(`^[\\s\\S]*?(?=^${mark})`, 'm')

const cases: readonly LayoutCase[] = [
  {
    layout: 'native',
    windows: true,
    upPart: before('-- migrate:down'),
    files: [
      '20230114093000_extensions_and_types.sql',
      '20230114093500_customers_and_products.sql',
      '20230201080000_orders.sql',
      '20230305110000_orders_indexes.sql',
      '20230306090000_returns_without_the_mark.sql',
      '20230401000000_sales_report.sql',
    ],
  },
  {
    layout: 'pairs',
    files: ['1_init.up.sql', '2_seed_rooms.up.sql', '3_partitioned_audit.up.sql', '10_row_level_security.up.sql'],
  },
  {
    layout: 'prisma',
    files: [
      '20240102030405_init/migration.sql',
      '20240215101112_add_category/migration.sql',
      '20240215101113_role_moderator/migration.sql',
    ],
    down: 'none',
  },
  {
    layout: 'diesel',
    files: [
      '00000000000000_diesel_initial_setup/up.sql',
      '20230601120000_categories_before_the_dashes/up.sql',
      '2024-01-02-030405_create_crates/up.sql',
      '2024-01-02-100000_versions/up.sql',
      '2024-10-02-000000_downloads/up.sql',
      '2024-10-03-000000-0000_category_slugs/up.sql',
    ],
  },
  {
    layout: 'flyway',
    files: [
      'V1__Create_person_table.sql',
      'V1.1__Add_people.sql',
      'V1.2__Person_key.sql',
      "V1.10__Index, on person's name.sql",
      'V2_1__Accounts.sql',
      'R__functions.sql',
      'R__zz view of rich people.sql',
    ],
    down: 5,
    // repeatable migrations have no way back
    stays: /initials|rich|RETURNS|LANGUAGE|AS \$fun|begin|end|select|return query|IMMUTABLE|STABLE|\$function\$|^$/,
  },
  {
    layout: 'node-pg-migrate',
    windows: true,
    upPart: before('-{2,} ?Down Migration'),
    files: ['1704067100000_hstore.sql', '1704067200000_create-tenants.sql', '1704067300000_tenant-members.sql'],
  },
  {
    layout: 'goose',
    upPart: before('-- \\+goose Down'),
    files: ['00001_create_users.sql', '00002_histories.sql', '00003_username_index.sql'],
  },
  {
    layout: 'sql-migrate',
    upPart: before('-- \\+migrate Down'),
    files: ['20240101-initial.sql', '20240102-index.sql'],
  },
  {
    layout: 'tern',
    windows: true,
    upPart: /^[\s\S]*(?=^---- create above)/m,
    files: ['001_orders.sql', '002_order_state_index.sql'],
  },
  {
    layout: 'code',
    windows: true,
    files: ['../code.expected.sql'],
  },
  {
    layout: 'mixed',
    files: [
      '001_base.sql',
      '2_pair.up.sql',
      '0003_folder/up.sql',
      '4_prisma/migration.sql',
      '05_code.js',
      '5_equal_number.sql',
      'V6__flyway.sql',
      'R__last.sql',
    ],
    instead: { '05_code.js': 'create table code (id int references base)' },
    down: 'none',
  },
  { layout: 'pg-dump', windows: true, files: ['0001_baseline.sql', '0002_after_the_dump.sql'], down: 'none' },
  {
    layout: 'own-transactions',
    windows: true,
    files: [
      '0001_two_blocks.sql',
      '0002_settings_between.sql',
      '0003_rolled_back.sql',
      '0004_wrapped_whole.sql',
      '0005_set_transaction.sql',
      '0006_procedures_that_commit.sql',
      '0007_temporary.sql',
      '0008_temporary_again.sql',
    ],
    down: 'none',
  },
]

describe.each(cases)('$layout', ({ layout, files, upPart, instead = {}, down, stays }) => {
  const dir = join(fixtures, layout)
  const texts = () =>
    Promise.all(
      files.map(async file => {
        const text = instead[file] ?? (await readFile(join(dir, file), 'utf8'))
        return upPart ? (upPart.exec(text)?.[0] ?? text) : text
      }),
    )

  test('ends where plain psql ends; goes back to nothing, and forth again', async ({ database, createDatabase }) => {
    const plain = await createDatabase()
    const empty = await picture(database)
    await applyPlainly(plain.url, await texts())
    const wanted = await picture(plain)

    const migrator = createMigrator({ databaseUrl: database.url, dir })
    const applied = await applyAll(migrator)
    expect(await picture(database)).toBe(wanted)
    expect(await migrator.up()).toMatchObject({ outcome: 'nothing-to-do', exitCode: 0 })
    if (down === 'none') return

    const back = await migrator.down({ step: 1000, confirmed: true })
    expect(back.error?.message).toBeUndefined()
    expect(back.migrations.map(({ name, status }) => `${status} ${name}`)).toEqual(
      applied
        .slice(0, down)
        .map(name => `reverted ${name}`)
        .reverse(),
    )
    const left = (await picture(database)).split('\n').filter(line => !empty.includes(line))
    expect(left.filter(line => !stays?.test(line))).toEqual([])
    await applyAll(migrator)
    expect(await picture(database)).toBe(wanted)
  })
})

const ofWindows = cases.filter(({ windows }) => windows)

test.for(ofWindows)(
  '$layout means the same with CRLF, a byte-order mark and no last newline',
  async ({ layout }, { database, createDatabase }) => {
    const dir = join(fixtures, layout)
    const migrator = createMigrator({ databaseUrl: database.url, dir })
    await applyAll(migrator)
    const other = await createDatabase()
    const foreign = await folder(await asWindowsWritesIt(dir))
    await applyAll(createMigrator({ databaseUrl: other.url, dir: foreign }))
    // a CR inside a function's body or a string is content, and stays: it is all that may differ
    expect((await picture(other)).replaceAll(/\r|\\r(?=\\n)/g, '')).toBe(await picture(database))
    // to the ledger the files are the same
    expect(await createMigrator({ databaseUrl: database.url, dir: foreign }).check()).toMatchObject({
      state: 'current',
    })
  },
)

async function applyAll(migrator: Migrator): Promise<string[]> {
  const { error, migrations } = await migrator.up()
  expect(error?.message).toBeUndefined()
  expect(new Set(migrations.map(({ status }) => status))).toEqual(new Set(['applied']))
  return migrations.map(({ name }) => name)
}

/** The catalogue, and every row of every table but what differs from one run to the next. */
async function picture(database: ScratchDatabase): Promise<string> {
  const { rows: tables } = await database.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema|schemagate)' order by 1`,
  )
  const data = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await database.query<{ row: string }>(
        `select (to_jsonb(t) - 'created_at' - 'updated_at')::text as row from ${name} t order by 1`,
      )
      return `data ${name}\n${rows.map(({ row }) => row).join('\n')}`
    }),
  )
  return [...data, await dumpDatabase(database.url)].join('\n\n')
}

async function asWindowsWritesIt(dir: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue
    const path = join(entry.parentPath, entry.name)
    const text = await readFile(path, 'utf8')
    files[path.slice(dir.length + 1)] = `\uFEFF${text.replace(/(?<!\n)\n$/, '').replaceAll('\n', '\r\n')}`
  }
  return files
}
