// The one question of a run with nothing to do: it says yes only where the longer way would have found nothing to do either.

import { stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readTarget } from '../../../gate/postgres/target.ts'
import { checkRole } from '../../../migrator/app-role/index.ts'
import { onlyThese, readFolder, readFolderInTurns } from '../../../migrator/files/folder.ts'
import { compareHistory } from '../../../migrator/ledger/history.ts'
import { readLedger } from '../../../migrator/ledger/read.ts'
import { silent } from '../../../migrator/log.ts'
import { Session } from '../../../migrator/postgres/session.ts'
import { isPublished } from '../../../migrator/run/publish.ts'
import { askedFirst, findUpToDate, type KnownFolder, knownFolder } from '../../../migrator/run/up-to-date.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test as base, type ScratchDatabase } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const schema = 'schemagate'
const password = 'app-password'

const test = base.extend('migrated', async ({ database }) => {
  const dir = await folder({
    '0001_a.sql': 'create table a (id int);',
    '0002_b.sql': 'create table b (id int);',
    'R__v.sql': 'create or replace view v as select 1 as one;',
    '0003_c.mjs': "export async function up({ query }) { await query('create table c (id int)') }",
  })
  const role = database.role('app')
  const up = (url = database.url) =>
    schemagate(['up', '--dir', dir, '--app-role', role], {
      env: { DATABASE_URL: url, SCHEMAGATE_APP_PASSWORD: password },
    })
  expect(await up()).toMatchObject({ code: 0 })
  return { database, dir, role, up }
})

/** What a run writes that does anything. */
async function traces(database: ScratchDatabase): Promise<object[]> {
  const { rows } = await database.query<{ trace: string }>(
    `select started_at::text as trace from schemagate.runs union all select published_at::text from schemagate.manifest order by 1`,
  )
  return rows
}

/** Both ways' answers to whether anything is to be done, with the head that each tells. */
async function bothWays({ url }: ScratchDatabase, dir: string, role?: string) {
  const { signal } = new AbortController()
  const options = { target: readTarget(url, {}, undefined, [])!, timeout: 10_000, signal, log: silent }
  const session = await Session.open({ ...options, applicationName: 'test', ask: askedFirst(schema) })
  try {
    const files = readFolder(dir)
    const app = role === undefined ? undefined : { name: role, password, schemas: undefined }
    const asking = { settings: { schema }, signal }
    const found = await findUpToDate(asking, readFolderInTurns(dir), session, app)
    // whether the folder is known or not
    const unknown = onlyThese(await readFolderInTurns(dir), new Set(files.map(({ name }) => name)))
    expect(await findUpToDate(asking, Promise.resolve(unknown), session, app)).toEqual(found)
    const longer = async () => {
      const ledger = await readLedger(session, schema)
      const history = compareHistory(files, ledger.rows, ledger)
      if (history.state !== 'current' || history.problems.length > 0) return undefined
      if (!(await isPublished(session, schema, history))) return undefined
      if (role === undefined) return history.head
      const { works, notes } = await checkRole(session.client, { role, password, schema })
      return works && notes.length === 0 ? history.head : undefined
    }
    return { short: found?.published ? found.head : undefined, long: await longer().catch(() => undefined) }
  } finally {
    session.close()
  }
}

test('a run with nothing to do asks one question after the first, with an app role and without', async ({
  migrated: { database, dir, up },
}) => {
  const proxy = await tcpProxy(database.url)
  const before = proxy.messages.length
  expect(await up(proxy.url(database.url))).toMatchObject({ code: 0 })
  const questions = (from: number) =>
    proxy.messages.slice(from).filter(({ type }) => type === 'Q' || type === 'P').length
  expect(questions(before)).toBe(2)
  for (const verb of ['up', 'check', 'wait']) {
    const from = proxy.messages.length
    const env = { DATABASE_URL: proxy.url(database.url) }
    expect(await schemagate([verb, '--dir', dir], { env }), verb).toMatchObject({ code: 0 })
    expect(questions(from), verb).toBe(2)
  }
  expect(proxy.connections.made).toBe(4)
})

test('a server whose clock was set back has something to do once', async ({ migrated: { database, up } }) => {
  await database.query("update schemagate.ledger set applied_at = applied_at + interval '1 hour'")
  expect(await up()).toMatchObject({ code: 0 })
  const before = await traces(database)
  expect(await up()).toMatchObject({ code: 0 })
  expect(await traces(database)).toEqual(before)
})

test('a database without a ledger is not asked for it, which would be an error in the log of its server', async ({
  database,
}) => {
  const proxy = await tcpProxy(database.url)
  const dir = await folder({ '0001_a.sql': 'create table a (id int);' })
  const env = { DATABASE_URL: proxy.url(database.url) }
  expect(await schemagate(['check', '--dir', dir], { env })).toMatchObject({ code: 7 })
  expect(proxy.messages.filter(({ sql }) => sql?.includes('from "schemagate".ledger'))).toEqual([])
})

test.for(['up', 'check'])('%s: a mistake in a file that is read late is told once', async (verb, { database }) => {
  const names = Array.from({ length: 2000 }, (_, i) => `${10_000 + i}_a.sql`)
  const dir = await folder({ ...Object.fromEntries(names.map(name => [name, 'select 1;'])), '99999_b.go': '' })
  const run = await schemagate([verb, '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(run.code).toBe(2)
  expect(run.stdout + run.stderr).toContain('99999_b.go is a migration')
  expect(run.stderr).not.toContain('nothing caught')
})

test('an edited file is noticed, though its size and its times are as they were', async ({ migrated: { dir, up } }) => {
  const file = join(dir, '0002_b.sql')
  const sizeAndTimes = async () => {
    await utimes(file, 1_700_000_000, 1_700_000_000)
    const { size, mtimeMs, atimeMs } = await stat(file)
    return { size, mtimeMs, atimeMs }
  }
  const before = await sizeAndTimes()
  expect(await up()).toMatchObject({ code: 0 })
  await writeFile(file, 'create table x (id int);')
  expect(await sizeAndTimes()).toEqual(before)
  const run = await up()
  expect(run.code).toBe(6)
  expect(run.stdout + run.stderr).toContain('0002_b')
})

/** Has the note of the last run, which was of a build, say what one of these sources would have noted. */
async function noteAsSources(database: ScratchDatabase, dir: string): Promise<void> {
  const known = knownFolder(await readFolderInTurns(dir))!
  const { rows } = await database.query<{ folder: KnownFolder }>(
    "select manifest->'folder' as folder from schemagate.manifest",
  )
  expect(rows[0]!.folder).toEqual({ fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/), digest: known.digest })
  expect(rows[0]!.folder.fingerprint).not.toBe(known.fingerprint)
  await database.query("update schemagate.manifest set manifest = jsonb_set(manifest, '{folder}', $1)", [
    JSON.stringify(known),
  ])
}

/** The answer of one question about a folder of which nothing but the fingerprint may be asked. */
async function byFingerprint({ url }: ScratchDatabase, dir: string) {
  const { signal } = new AbortController()
  const options = { target: readTarget(url, {}, undefined, [])!, timeout: 10_000, signal, log: silent }
  const session = await Session.open({ ...options, applicationName: 'test', ask: askedFirst(schema) })
  try {
    const { fingerprint } = await readFolderInTurns(dir)
    const unread = () => expect.fail('the files were asked for')
    const folder = { fingerprint, isCovered: false, checksums: unread, migrations: unread }
    return await findUpToDate({ settings: { schema }, signal }, Promise.resolve(folder), session)
  } finally {
    session.close()
  }
}

test('a folder that the last run has noted is known by its fingerprint alone, whatever else it has', async ({
  migrated: { database, dir, up },
}) => {
  await expect(byFingerprint(database, dir)).rejects.toThrow('the files were asked for')
  await noteAsSources(database, dir)
  expect(await byFingerprint(database, dir)).toMatchObject({ head: '0003_c', published: true })
  await writeFile(join(dir, '0004_d.sql'), 'create table d (id int);')
  await expect(byFingerprint(database, dir)).rejects.toThrow('the files were asked for')
  expect(await up()).toMatchObject({ code: 0 })
  await noteAsSources(database, dir)
  expect(await byFingerprint(database, dir)).toMatchObject({ head: '0004_d' })
})

for (const [what, change] of [
  ['of another folder', `jsonb_set(manifest, '{folder,fingerprint}', to_jsonb(repeat('0', 64)))`],
  ['of other migrations', `jsonb_set(manifest, '{folder,digest}', to_jsonb(repeat('0', 64)))`],
  ['that is none', `jsonb_set(manifest, '{folder}', '7')`],
  ['of an older release', `manifest - 'folder'`],
] as const)
  test(`a note ${what} tells nothing`, async ({ migrated: { database, dir, up } }) => {
    await noteAsSources(database, dir)
    await database.query(`update schemagate.manifest set manifest = ${change}`)
    await expect(byFingerprint(database, dir)).rejects.toThrow('the files were asked for')
    const { short, long } = await bothWays(database, dir)
    expect(short).toBe('0003_c')
    expect(long).toBe(short)
    const before = await traces(database)
    expect(await up()).toMatchObject({ code: 0 })
    expect(await traces(database)).toEqual(before)
  })

const l = '"schemagate".ledger'
for (const [what, change, isCurrent] of [
  ['as the run left it', 'select 1', true],
  ['one was edited', `update ${l} set checksum = repeat('0', 64) where name = '0001_a'`, false],
  ['one was renamed', `update ${l} set name = '0001_x' where name = '0001_a'`, false],
  ['one is missing', `delete from ${l} where name = '0002_b'`, false],
  [
    "two have each other's content",
    `update ${l} set checksum = o.checksum from ${l} o where o.name ~ '^000[12]' and ledger.name ~ '^000[12]' and o.name <> ledger.name`,
    false,
  ],
  ['one was begun', `update ${l} set state = 'running' where name = '0002_b'`, false],
  [
    'one is newer',
    `insert into ${l} (name, checksum, position, kind, run_id, tool_version) select '0009_x', repeat('0', 64), 99, 'sql', run_id, '0' from ${l} limit 1`,
    false,
  ],
  [
    'a newer release was here',
    'insert into "schemagate".ledger_version (version, run_id, tool_version) select 99, run_id, tool_version from "schemagate".ledger_version limit 1',
    false,
  ],
  ['rows are hidden', `alter table ${l} enable row level security`, false],
  ['nothing was published', 'delete from "schemagate".manifest', false],
  [
    'less was published',
    `update "schemagate".manifest set manifest = jsonb_set(manifest, '{migrations}', '[]')`,
    false,
  ],
  [
    'it was published before the last change',
    `update ${l} set applied_at = now() + interval '1 day' where name = '0001_a'`,
    false,
  ],
  [
    'the order of their application was another',
    `update ${l} set position = position + 100 where name = '0001_a'`,
    true,
  ],
  ['one was applied late', `update ${l} set position = 100, journal = '{"late": 1}' where name = '0002_b'`, true],
  ['all were recorded', `update ${l} set kind = 'baseline'`, true],
] as const)
  test(`the ledger: ${what}`, async ({ migrated: { database, dir } }) => {
    await database.query(change)
    const { short, long } = await bothWays(database, dir)
    expect(short).toBe(long)
    expect(short !== undefined).toBe(isCurrent)
  })

test("the app's role: whatever was done to it is noticed by the next run, as it was by the longer way", async ({
  migrated: { database, dir, role },
}) => {
  const other = database.role('other')
  await database.query(`create role ${other}; create role ${other}_powerful createdb`)
  const db = database.name
  expect((await bothWays(database, dir, role)).short).toBe('0003_c')
  for (const [change, back] of [
    ['alter role @ nologin', 'alter role @ login'],
    [`alter role @ password 'another'`, `alter role @ password '${password}'`],
    ['alter role @ password null', `alter role @ password '${password}'`],
    [`alter role @ valid until '2020-01-01'`, `alter role @ valid until 'infinity'`],
    ['alter role @ connection limit 0', 'alter role @ connection limit -1'],
    ...['superuser', 'createdb', 'createrole', 'replication', 'bypassrls'].map(
      attribute => [`alter role @ ${attribute}`, `alter role @ no${attribute}`] as const,
    ),
    [`alter role @ set statement_timeout = '1ms'`, 'alter role @ reset all'],
    [
      `alter role @ in database ${db} set default_transaction_read_only = on`,
      `alter role @ in database ${db} reset all`,
    ],
    [`grant ${other}_powerful to @`, `revoke ${other}_powerful from @`],
    ['grant pg_write_all_data to @', 'revoke pg_write_all_data from @'],
    ['alter table a owner to @', 'alter table a owner to current_user'],
    [`alter database ${db} owner to @`, `alter database ${db} owner to current_user`],
    [`grant create on database ${db} to @`, `revoke create on database ${db} from @`],
    ['grant create on schema public to @', 'revoke create on schema public from @'],
    ['grant create on schema public to public', 'revoke create on schema public from public'],
    ['grant insert on schemagate.ledger to @', 'revoke insert on schemagate.ledger from @'],
    ['grant delete on schemagate.manifest to public', 'revoke delete on schemagate.manifest from public'],
    ['grant select on schemagate.runs to @', 'revoke select on schemagate.runs from @'],
    ['revoke select on schemagate.ledger from @', 'grant select on schemagate.ledger to @'],
    ['revoke usage on schema schemagate from @', 'grant usage on schema schemagate to @'],
    [`alter role @ rename to ${other}_renamed`, `alter role ${other}_renamed rename to @`],
  ] as const) {
    await database.query(change.replaceAll('@', role))
    const { short, long } = await bothWays(database, dir, role)
    expect({ change, short, long }).toEqual({ change, short: undefined, long: undefined })
    await database.query(back.replaceAll('@', role))
    // a new name clears nothing: SCRAM's verifier does not have it
    expect((await bothWays(database, dir, role)).short, back).toBe('0003_c')
  }
})

test('what is kept of the password is the verifier of the server, and nothing of it is in the ledger', async ({
  migrated: { database },
}) => {
  const { rows } = await database.query<{ text: string }>(
    `select string_agg(t::text, '') as text from (
       select query_to_xml('select * from schemagate.' || quote_ident(relname), true, false, '')::text
       from pg_class where relnamespace = 'schemagate'::regnamespace and relkind = 'r') as t`,
  )
  expect(rows[0]!.text).toContain('0003_c')
  expect(rows[0]!.text).not.toMatch(/SCRAM-SHA-256|app-password/)
})

test("an owner who may not read the app role's verifier has nothing to do either, on a server without TLS", async ({
  database,
}) => {
  const [owner, role] = [database.role('owner'), database.role('app')]
  await database.query(`create role ${owner} login createrole password 'pw'`)
  await database.query(`alter database ${database.name} owner to ${owner}`)
  const dir = await folder({ '0001_a.sql': 'create schema s; create table s.a (id int);' })
  const up = (more: readonly string[] = []) =>
    schemagate(['up', '--dir', dir, '--app-role', role, ...more], {
      env: { DATABASE_URL: database.urlFor(owner, 'pw'), SCHEMAGATE_APP_PASSWORD: password },
    })
  const first = await up()
  expect(first.code, first.stdout).toBe(0)
  const before = await traces(database)
  const again = await up()
  expect(again.code, again.stdout).toBe(0)
  expect(await traces(database)).toEqual(before)
})
