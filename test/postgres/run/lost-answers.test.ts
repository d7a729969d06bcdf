// Disturbances at rare moments: what was done and not yet reported, what another session did at the same time, codes that only
// look like those of a lost connection.

import { expect } from 'vitest'
import { type RunningCli, schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { tcpProxy, type Verdict } from '../../helpers/tcp-proxy.ts'

function run(database: ScratchDatabase, dir: string, ...args: string[]) {
  return schemagate([...args, '--dir', dir], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
}

/** The same, where the answer to the first message that fits `sql` never comes. */
async function unanswered(database: ScratchDatabase, dir: string, sql: RegExp, ...args: string[]) {
  let verdict: Verdict = 'cut-after-answer'
  const proxy = await tcpProxy(database.url, {
    onMessage: message => {
      if (!message.sql || !sql.test(message.sql)) return 'forward'
      const now = verdict
      verdict = 'forward'
      return now
    },
  })
  const result = await schemagate([...args, '--dir', dir], {
    env: { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  expect(verdict, `nothing like ${sql} was sent`).toBe('forward')
  return result
}

function errorOf({ lines }: { lines: readonly { level?: string | number; msg?: string }[] }): string | undefined {
  return lines.find(line => line.level === 'error')?.msg
}

test('a step that was done is not done again where only its journal entry failed', async ({ database }) => {
  await database.query('create table t (a int); create index t_old on t (a); create table obstacle ()')
  const dir = await folder({ '0001_first.sql': 'create table first (a int);' })
  expect((await run(database, dir, 'up')).code).toBe(0)
  await database.query(`create function refuse() returns trigger language plpgsql as $$ begin
      if jsonb_array_length(new.journal->'done') > 0 and to_regclass('public.obstacle') is not null then raise 'no room'; end if;
      return new; end $$;
    create trigger refuse before update on schemagate.ledger for each row execute function public.refuse()`)
  await write(dir, { '0002_drop.sql': 'drop index concurrently t_old;\nvacuum t;\n' })
  const failed = await run(database, dir, 'up')
  expect(failed.code, failed.stdout).toBe(5)
  expect(errorOf(failed)).toContain('no room')
  await database.query('drop table obstacle')
  const result = await run(database, dir, 'up')
  expect(result.code, result.stdout).toBe(0)
})

test.for([
  { told: 'apps are told', options: [] },
  { told: 'none is told', options: ['--on-older-apps', 'ignore'] },
])(
  'a `down` of code that commits as it goes, killed half-way, is finished by the next `up` before it is applied again ($told)',
  async ({ options }, { database }) => {
    const dir = await folder({
      '0001_code.mjs': `// migrate:up transaction:false
export async function up({ query }) {
  for (const table of ['a', 'b']) await query('create table if not exists ' + table + ' (x int)')
}
export async function down({ query }) {
  for (const table of ['a', 'b']) await query('drop table if exists ' + table)
}
`,
    })
    expect((await run(database, dir, 'up')).code).toBe(0)
    let down: RunningCli | undefined
    const proxy = await tcpProxy(database.url, {
      onMessage: ({ sql }) => {
        if (sql !== 'drop table if exists b') return 'forward'
        down?.kill('SIGKILL')
        return 'cut-before'
      },
    })
    down = start(['down', '--yes', ...options, '--dir', dir], {
      env: { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    expect((await down.ended).signal).toBe('SIGKILL')
    const status = await run(database, dir, 'status', '--format', 'json')
    expect(JSON.parse(status.stdout).problems).toMatchObject([{ code: 'interrupted' }])
    const result = await run(database, dir, 'up')
    expect(result.code, result.stdout).toBe(0)
    const { rows } = await database.query(
      "select to_regclass('a') is not null and to_regclass('b') is not null as both",
    )
    expect(rows).toEqual([{ both: true }])
  },
)

test('a `down` that waited for an `up` does not revert from under what that applied', async ({ database }) => {
  const pair = (n: number) => `-- migrate:up\ncreate table t${n} ();\n-- migrate:down\ndrop table t${n};\n`
  const dir = await folder({ '0001_a.sql': pair(1), '0002_b.sql': pair(2) })
  expect((await run(database, dir, 'up', '--to', '0001_a')).code).toBe(0)
  let others: Promise<number | null> | undefined
  const proxy = await tcpProxy(database.url, {
    onMessage: async ({ sql }) => {
      if (!sql?.includes('pg_try_advisory_lock')) return undefined
      others ??= run(database, dir, 'up').then(({ code }) => code)
      await others
      return undefined
    },
  })
  const env = { DATABASE_URL: proxy.url(database.url) }
  const down = await schemagate(['down', '--yes', '--dir', dir], { env })
  expect(await others).toBe(0)
  expect(down.code, down.stdout).toBe(8)
  expect(errorOf(down)).toContain('0002_b')
  expect((await run(database, dir, 'up')).lines.at(-1)).toMatchObject({ outcome: 'nothing-to-do' })
})

test('a `down` whose answer is lost says that it reverted, also where no app is asked', async ({ database }) => {
  const dir = await folder({ '0001_t.sql': '-- migrate:up\ncreate table t ();\n-- migrate:down\ndrop table t;\n' })
  expect((await run(database, dir, 'up')).code).toBe(0)
  const result = await unanswered(database, dir, /drop table t;/, 'down', '--yes', '--on-older-apps', 'ignore')
  expect(result.lines.at(-1), result.stdout).toMatchObject({ event: 'run', outcome: 'reverted', exitCode: 0 })
  expect(result.stdout).not.toContain('"lost-commits"')
})

test('a baseline and a repair whose answer is lost are made once, and end well', async ({ database }) => {
  const dir = await folder({ '0001_a.sql': 'select 1;', '0002_b.sql': 'select 2;', '0003_c.sql': 'select 3;' })
  await database.query('create table t ()')
  const baseline = await unanswered(database, dir, /'baseline', false/, 'baseline', '0003_c')
  expect(baseline.code, baseline.stderr).toBe(0)
  await write(dir, { '0002_b.sql': 'select 22;' })
  const edited = await unanswered(database, dir, /accept-edited/, 'repair', '--accept-edited', '0002_b')
  expect(edited.code, edited.stderr).toBe(0)
  const fewer = await folder({ '0002_b.sql': 'select 22;', '0003_c.sql': 'select 3;' })
  const forgotten = await unanswered(database, fewer, /forget-missing/, 'repair', '--forget-missing', '0001_a')
  expect(forgotten.code, forgotten.stderr).toBe(0)
  const { rows } = await database.query(
    `select name, state, jsonb_array_length(journal->'repairs') as repairs from schemagate.ledger order by position`,
  )
  expect(rows).toEqual([
    { name: '0002_b', state: 'applied', repairs: 1 },
    { name: '0003_c', state: 'applied', repairs: 1 },
  ])
})

test.for([
  [
    '0001_file.mjs',
    `import { readFile } from 'node:fs/promises'\nexport const up = () => readFile('/no/such/file')\n`,
    'ENOENT',
  ],
  [
    '0001_service.mjs',
    `import { connect } from 'node:net'
export const up = () => new Promise((_, reject) => connect(1, '127.0.0.1').on('error', reject))\n`,
    'ECONNREFUSED',
  ],
  [
    '0001_link.sql',
    `do $$ begin raise exception 'could not establish connection' using errcode = '08001'; end $$;`,
    '08001',
  ],
] as const)(
  'an error of the migration that looks like a lost connection is its failure, at the first attempt: %s',
  async ([name, source, code], { database }) => {
    const dir = await folder({ [name]: source })
    const result = await run(database, dir, 'up')
    expect(result.code, result.stdout).toBe(5)
    expect(errorOf(result)).toContain(code)
    expect(result.stdout).not.toContain('lost the connection')
  },
)

test('a statement of the run itself that is cancelled ends with exit 3, not as a bug', async ({ database }) => {
  const dir = await folder({ '0001_t.sql': 'create table t ();' })
  expect((await run(database, dir, 'up')).code).toBe(0)
  await write(dir, { '0002_u.sql': 'create table u ();' })
  const client = await database.connect()
  await client.query('begin; lock table schemagate.ledger in access exclusive mode')
  const running = schemagate(['up', '--dir', dir], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await eventually(async () => {
    const { rows } = await database.query(
      `select pg_cancel_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and application_name ~ 'migrator'`,
    )
    expect(rows).toHaveLength(1)
  })
  const result = await running
  await client.query('rollback')
  expect(result.code, result.stdout).toBe(3)
  expect(errorOf(result)).toContain('57014')
})

test.skipIf(pgbouncerPath === undefined)(
  `behind PgBouncer, which may hide a crash from a run, every commit waits for the disk${pgbouncerPath ? '' : ` (skipped: ${noPgbouncer})`}`,
  async ({ database }) => {
    await database.query('create table seen (commit text)')
    const note = "insert into seen select current_setting('synchronous_commit');"
    const dir = await folder({ '0001_a.sql': note, '0002_b.sql': note, '0003_c.sql': note })
    const pooler = await pgbouncer(database.url)
    const result = await schemagate(['up', '--dir', dir], {
      env: { DATABASE_URL: pooler.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    expect(result.code, result.stdout).toBe(0)
    expect((await database.query('select distinct commit from seen')).rows).toEqual([{ commit: 'on' }])
  },
)

test('after a connection was lost every commit waits for the disk', async ({ database }) => {
  await database.query('create table seen (name text, commit text)')
  const note = (name: string) => `insert into seen values ('${name}', current_setting('synchronous_commit'));`
  const names = ['0001_a', '0002_b', '0003_c', '0004_d']
  const dir = await folder(Object.fromEntries(names.map(name => [`${name}.sql`, note(name)])))
  let cut = false
  const proxy = await tcpProxy(database.url, {
    onMessage: ({ sql }) => {
      if (cut || !sql?.includes(note('0002_b'))) return 'forward'
      cut = true
      return 'cut-before'
    },
  })
  const env = { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' }
  const result = await schemagate(['up', '--dir', dir], { env })
  await proxy.close()
  expect(result.code, result.stdout).toBe(0)
  expect(
    (await database.query("select name, commit from seen where name in ('0001_a', '0003_c') order by name")).rows,
  ).toEqual([
    { name: '0001_a', commit: 'off' },
    { name: '0003_c', commit: 'on' },
  ])
})

test('a migration in steps that deletes its own row is told what it did', async ({ database }) => {
  const dir = await folder({
    '0001_steps.sql':
      '-- migrate:up transaction:false\ncreate table a (id int);\ndelete from schemagate.ledger;\ncreate table b (id int);\n',
  })
  const failed = await run(database, dir, 'up')
  expect(failed.code, failed.stdout).toBe(5)
  expect(errorOf(failed)).toContain('0001_steps has lost its row in the ledger while it ran')
})

test('where the answer to a commit never comes, nor the server, it is said that the end is not known', async ({
  database,
}) => {
  const dir = await folder({ '1_a.sql': '-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;\n' })
  for (const [sql, args] of [
    [/create table a/, ['up']],
    [/drop table a/, ['down', '--yes']],
    [/create table a/, ['up']],
  ] as const) {
    const proxy = await tcpProxy(database.url, {
      onMessage: message => {
        if (!sql.test(message.sql ?? '')) return 'forward'
        proxy.refuse(true)
        return 'cut-after-answer'
      },
    })
    const { code, lines } = await schemagate([...args, '--dir', dir, '--connect-timeout', '1s'], {
      env: { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    expect(code).toBe(3)
    expect(errorOf({ lines })).toMatch(
      /lost during 1_a, and what was committed last is not known: the next run finds out/,
    )
    const next = await run(database, dir, ...args)
    expect([next.code, next.stdout]).toEqual([0, expect.stringContaining('nothing to do')])
  }
})
