// Odd names, all the way: applied, shown, failed, reverted; and quoting, held against the server itself.

import fc from 'fast-check'
import { expect } from 'vitest'
import { quoteIdent, quoteLiteral } from '../../../gate/postgres/quote.ts'
import { createMigrator } from '../../../migrator/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

const odd = [
  '1 with spaces ',
  `2 it's "quoted"`,
  '3_größe_日本語',
  '4_🎉👩‍👩‍👧',
  '5_100%s_%n_$1_$schemagate$_$schemagate0$_$$',
  "6_back\\slash\\'",
  '7_line\nbreak',
  "8_'; drop table schemagate.ledger; --",
  `9_${'x'.repeat(240)}`,
  '10_$schemagate',
]

test('odd names are applied, shown and reverted like any other', async ({ database }) => {
  const dir = await folder(
    Object.fromEntries(
      odd.map((name, i) => [
        `${name}.sql`,
        // one by one and step by step
        `-- migrate:up${i % 2 ? ' transaction:false' : ''}\ncreate table t${i} (id int);\n-- migrate:down\ndrop table t${i};\n`,
      ]),
    ),
  )
  // dbmate, whose marks these are, too, would run 10 before 2
  const env = { DATABASE_URL: database.url, SCHEMAGATE_LAYOUT: 'native' }
  const up = await schemagate(['up', '--dir', dir], { env })
  expect(up.code, up.stdout).toBe(0)
  expect(up.lines.filter(({ event }) => event === 'applied').map(({ migration }) => migration)).toEqual(odd)
  const { rows } = await database.query<{ name: string }>('select name from schemagate.ledger order by position')
  expect(rows.map(({ name }) => name)).toEqual(odd)

  const status = await schemagate(['status', '--format', 'json', '--dir', dir], { env })
  expect(JSON.parse(status.stdout)).toMatchObject({ state: 'current', head: odd.at(-1) })
  expect(JSON.parse(status.stdout).applied.map(({ name }: { name: string }) => name)).toEqual(odd)

  const to = await schemagate(['down', '--to', odd[3]!, '--yes', '--dir', dir], { env })
  expect(to.code, to.stdout).toBe(0)
  expect(to.lines.filter(({ event }) => event === 'reverted').map(({ migration }) => migration)).toEqual(
    odd.slice(4).reverse(),
  )
  const again = await createMigrator({ databaseUrl: database.url, dir, layout: 'native' }).up({ to: odd[6] })
  expect(again).toMatchObject({ exitCode: 0, head: odd[6] })
})

test('an odd name in a failure is shown as it is', async ({ database }) => {
  for (const name of odd) {
    const dir = await folder({ [`${name}.sql`]: 'select nope;' })
    const { error, exitCode } = await createMigrator({ databaseUrl: database.url, dir }).up()
    expect(exitCode).toBe(5)
    expect(error).toMatchObject({ migration: name, place: { line: 1, column: 8 } })
    expect(error?.message).toContain(`${name} failed at ${name}.sql:1:8: column "nope" does not exist`)
  }
})

test('a ledger schema of any name works', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'create table a (id int);', '2_b.ts': 'export const up = () => {}' })
  for (const schema of ['My "Ledger"', "it's", 'größe 🎉', '$$', '5% of $1', 'x'.repeat(63)]) {
    await database.query('drop table if exists a')
    // the ledger of the round before is another one's
    const migrator = createMigrator({ databaseUrl: database.url, dir, schema, onForeignTables: 'run' })
    expect(await migrator.up()).toMatchObject({ exitCode: 0, outcome: 'applied' })
    expect(await migrator.up()).toMatchObject({ exitCode: 0, outcome: 'nothing-to-do' })
    expect((await migrator.status()).tables).not.toContain(`${schema}.ledger`)
  }
})

test('ordering survives files that come later: 10 after 9, not after 1', async ({ database }) => {
  const dir = await folder({ '9_a.sql': 'create table a (id int);', '1_b.sql': 'create table b (id int);' })
  const migrator = createMigrator({ databaseUrl: database.url, dir })
  expect((await migrator.up()).migrations.map(({ name }) => name)).toEqual(['1_b', '9_a'])
  await write(dir, { '10_c.sql': 'create table c (id int);' })
  expect(await migrator.up()).toMatchObject({ exitCode: 0, head: '10_c' })
  await write(dir, { '8_late.sql': 'create table late (id int);' })
  expect(await migrator.up()).toMatchObject({ exitCode: 6 })
})

const text = fc.string({ unit: 'binary', maxLength: 60 }).filter(s => !s.includes('\0') && s.isWellFormed())
const nasty = fc
  .array(fc.constantFrom("'", '"', '\\', "''", '$$', '$a$', "\\'", '--', '/*', '%', ';', '\n', '\r', '🎉', 'E', 'a'), {
    maxLength: 12,
  })
  .map(parts => parts.join(''))

test('a quoted literal is read back as it was, whatever standard_conforming_strings says', async ({ database }) => {
  const client = await database.connect()
  for (const conforming of ['on', 'off']) {
    await client.query(`set standard_conforming_strings = ${conforming}; set escape_string_warning = off`)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(text, nasty), { minLength: 1, maxLength: 30 }), async texts => {
        const { rows } = await client.query(`select array[${texts.map(quoteLiteral).join(',')}]::text[] as texts`)
        expect(rows[0].texts).toEqual(texts)
      }),
      { numRuns: 60 },
    )
  }
})

test('a quoted name is the name', async ({ database }) => {
  const client = await database.connect()
  const short = fc.oneof(text, nasty).filter(s => s !== '' && Buffer.byteLength(s) <= 63)
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(short, { minLength: 1, maxLength: 20 }), async names => {
      const { fields } = await client.query(`select ${names.map((name, i) => `${i} as ${quoteIdent(name)}`).join(',')}`)
      expect(fields.map(({ name }) => name)).toEqual(names)
    }),
    { numRuns: 60 },
  )
  expect(() => quoteIdent('a\0b')).toThrow(RangeError)
  expect(() => quoteLiteral('a\0b')).toThrow(RangeError)
})
