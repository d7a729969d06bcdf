// Many migrators at once: all end well, and whatever a migration does is done once.

import { expect } from 'vitest'
import { dumpDatabase } from '../../helpers/catalog.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const migrators = 20
const times = process.env.TEST_LONG === '1' ? 10 : 2
const names = Array.from({ length: 50 }, (_, i) => `${String(i + 1).padStart(4, '0')}_step`)

/** Fifty migrations that count themselves; every seventh cannot run in a transaction, if `concurrently`. */
function migrations(concurrently: boolean): Record<string, string> {
  const files: Record<string, string> = { '0000_tally.sql': 'create table tally (step text not null);' }
  for (const [i, name] of names.entries()) {
    const count = `insert into tally values ('${name}');`
    const table = `create table t${i} (id int primary key, a int);`
    const index = `create index concurrently t${i}_a on t${i} (a);`
    files[`${name}.sql`] = concurrently && i % 7 === 6 ? `${table}\n${index}\n${count}\n` : `${table}\n${count}\n`
  }
  return files
}

/** Runs them all at once on a database, and asserts that everything happened once. */
async function stampede(database: ScratchDatabase, url: string, dir: string): Promise<void> {
  const runs = await Promise.all(
    Array.from({ length: migrators }, () =>
      schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url }, timeout: 180_000 }),
    ),
  )
  expect(runs.filter(({ code }) => code !== 0).map(({ code, stdout, stderr }) => `${code} ${stdout}${stderr}`)).toEqual(
    [],
  )
  const tally = await database.query('select step, count(*)::int as times from tally group by step order by step')
  expect(tally.rows).toEqual(names.map(step => ({ step, times: 1 })))
  const ledger = await database.query('select name, state from schemagate.ledger order by position')
  expect(ledger.rows).toEqual(['0000_tally', ...names].map(name => ({ name, state: 'applied' })))
  // each migration is said to be applied by just one of them
  const applied = runs.flatMap(run => run.lines.filter(line => line.event === 'applied').map(line => line.migration))
  expect(applied.toSorted()).toEqual(['0000_tally', ...names])
}

test(`${migrators} migrators at once on an empty database apply each migration once and all exit 0`, {
  timeout: 600_000,
}, async ({ createDatabase }) => {
  const dir = await folder(migrations(true))
  const dumps = new Set<string>()
  for (let i = 0; i < times; i++) {
    const database = await createDatabase()
    await stampede(database, database.url, dir)
    dumps.add(await dumpDatabase(database.url))
  }
  expect(dumps.size).toBe(1)
  expect([...dumps][0]).not.toContain('INVALID')
})

test.skipIf(pgbouncerPath === undefined)(
  `${migrators} migrators at once through PgBouncer in transaction mode apply each migration once and all exit 0${pgbouncerPath ? '' : ` (skipped: ${noPgbouncer})`}`,
  { timeout: 300_000 },
  async ({ database }) => {
    const pooler = await pgbouncer(database.url, { mode: 'transaction', poolSize: 5 })
    await stampede(database, pooler.url(database.url), await folder(migrations(false)))
  },
)

test.skipIf(pgbouncerPath === undefined).for([
  ['SQL', '0002_b.sql', '-- migrate:up\ncreate table b ();\n-- migrate:down\ndrop table b;\n'],
  [
    'code',
    '0002_b.mjs',
    "export const up = ({ query }) => query('create table b ()')\nexport const down = ({ query }) => query('drop table b')\n",
  ],
] as const)(
  'a down behind PgBouncer reverts nothing once another migrator has applied newer migrations: %s',
  async ([, name, text], { database }) => {
    const pooler = await pgbouncer(database.url, { mode: 'transaction', poolSize: 5 })
    const dir = await folder({ '0001_a.sql': 'create table a ();', [name]: text })
    expect((await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })).code).toBe(0)
    const newer = await folder({ '0001_a.sql': 'create table a ();', [name]: text, '0003_c.sql': 'create table c ();' })
    let upCode: number | null | undefined
    const proxy = await tcpProxy(pooler.url(database.url), {
      onMessage: async ({ sql = '' }) => {
        // the revert is decided, and begins
        if (upCode === undefined && /^begin.*not exists.*0002_b/s.test(sql)) {
          upCode = null
          upCode = (await schemagate(['up', '--dir', newer], { env: { DATABASE_URL: database.url } })).code
        }
        return undefined
      },
    })
    const url = proxy.url(pooler.url(database.url))
    const down = await schemagate(['down', '--yes', '--dir', dir], { env: { DATABASE_URL: url } })
    expect({ upCode, code: down.code }, down.stdout).toEqual({ upCode: 0, code: 8 })
    expect(down.stdout).toContain('Another migrator has applied newer migrations in between')
    const { rows } = await database.query('select name, state from schemagate.ledger order by position')
    expect(rows.map(({ name, state }) => `${name} ${state}`)).toEqual(
      ['0001_a', '0002_b', '0003_c'].map(applied => `${applied} applied`),
    )
  },
)

test.skipIf(pgbouncerPath === undefined)(
  'a migration that cannot run in a transaction is refused behind PgBouncer with exit 8, and what comes before it stays',
  async ({ database }) => {
    const pooler = await pgbouncer(database.url, { mode: 'transaction', poolSize: 5 })
    const dir = await folder({
      '0001_t.sql': 'create table t (a int);',
      '0002_index.sql': 'create index concurrently t_a on t (a);',
      '0003_more.sql': 'create table u (a int);',
    })
    const refused = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: pooler.url(database.url) } })
    expect(refused.code).toBe(8)
    expect(refused.lines.find(line => line.level === 'error')?.msg).toMatch(/0002_index .*pooler.*direct DATABASE_URL/s)
    const { rows } = await database.query('select name, state from schemagate.ledger order by position')
    expect(rows).toEqual([{ name: '0001_t', state: 'applied' }])
    // directly it goes on from there
    const direct = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(direct.code).toBe(0)
    expect(await dumpDatabase(database.url)).toContain('CREATE INDEX t_a ON public.t')
  },
)

test.skipIf(pgbouncerPath === undefined)(
  'a code migration that cannot run in a transaction is refused behind PgBouncer too',
  async ({ database }) => {
    const pooler = await pgbouncer(database.url, { mode: 'transaction', poolSize: 5 })
    const dir = await folder({
      '0001_loose.mjs':
        '// migrate:up transaction:false\nexport const up = ({ query }) => query("create table t ()")\n',
    })
    const refused = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: pooler.url(database.url) } })
    expect(refused.code).toBe(8)
    const { rows } = await database.query(
      "select to_regclass('t') as t, (select count(*)::int from schemagate.ledger) as n",
    )
    expect(rows).toEqual([{ t: null, n: 0 }])
  },
)
