// More than one Postgres: several hosts in the URL, and a standby that is promoted in the middle of a run.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { removeDataDir } from '../../../scripts/lib/postgres/data.ts'
import { schemagate, start } from '../../helpers/cli.ts'
import { eventually } from '../../helpers/eventually.ts'
import { killMigrations } from '../../helpers/kill-migrations.ts'
import { type Moment, type Standing, standing } from '../../helpers/kill-point.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { ask, preparedData, replicaPair, urlOf } from '../../helpers/replication.ts'
import { type TcpProxy, tcpProxy, type Verdict } from '../../helpers/tcp-proxy.ts'
import type { ClientMessage } from '../../helpers/wire.ts'

const files = { '1_users.sql': 'create table users (id int);\n' }

describe('several hosts', () => {
  test('lead to the primary in any order, also when one of them is down, and also where nothing says so', async () => {
    const { primary, standby, caughtUp } = await replicaPair(prepared.data)
    const dir = await folder(files)
    const down = { url: primary.url.replace(String(primary.port), String(await freePort())) }
    const ways = [
      urlOf([primary, down, standby], 'read-write'),
      urlOf([down, standby, primary], 'read-write'),
      urlOf([down, primary, standby], 'primary'),
      urlOf([standby, down, primary], 'primary'),
      urlOf([standby, primary]),
      // any server may answer what can be asked of any; what writes goes on to the next
      urlOf([standby, primary], 'any'),
      urlOf([primary, standby, down], 'prefer-standby'),
    ]
    for (const url of ways) {
      const { code, stdout } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url } })
      expect({ url, stdout, code }).toMatchObject({ url, code: 0 })
      await ask(primary, 'drop schema schemagate cascade; drop table users')
      await caughtUp()
    }
  })
})

test('who is in the way is looked for at the host that the run works at', async () => {
  const { primary, standby } = await replicaPair(prepared.data)
  const reader = new pg.Client({ connectionString: primary.url, application_name: 'reader' })
  reader.on('error', () => {})
  await reader.connect()
  onTestFinished(() => reader.end().catch(() => {}))
  await ask(primary, 'create table busy (id int)')
  await reader.query('begin; select from busy')
  const dir = await folder({ '1_busy.sql': 'alter table busy add column name text;\n' })
  const run = start(['up', '--dir', dir, '--lock-timeout', '300ms', '--lock-retries', '1'], {
    env: { DATABASE_URL: urlOf([standby, primary], 'any'), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  const { code, stdout } = await run.ended
  expect(code, stdout).toBe(10)
  expect(stdout).toContain('"application":"reader"')
})

test('a pooler that leads to a standby in the middle of a run, until there is a primary behind it again', async ({
  skip,
}) => {
  if (!pgbouncerPath) skip(noPgbouncer)
  const { primary, standby } = await replicaPair(prepared.data)
  const pooler = await pgbouncer(primary.url)
  await ask(primary, 'create table knob ()')
  const dir = await folder({ '1_waits.sql': 'table knob;\n', '2_last.sql': 'create table last ();\n' })
  const holder = new pg.Client({ connectionString: primary.url })
  holder.on('error', () => {})
  await holder.connect()
  onTestFinished(() => holder.end().catch(() => {}))
  await holder.query('begin; lock table knob')
  const run = start(['up', '--dir', dir, '--lock-timeout', '30s'], {
    env: { DATABASE_URL: pooler.url(primary.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await eventually(
    async () => {
      expect(
        await ask(
          primary,
          "select from pg_stat_activity where application_name ~ 'migrator' and wait_event_type = 'Lock'",
        ),
      ).toHaveLength(1)
    },
    { timeout: 30_000 },
  )
  await pooler.leadTo(standby.url)
  await holder.query('commit')
  await eventually(() => expect(run.output).toContain('the server is a standby, not read-write'), { timeout: 30_000 })
  await pooler.leadTo(primary.url)
  const { code, stdout } = await run.ended
  expect(code, stdout).toBe(0)
  expect(await ask(primary, 'select name from schemagate.ledger order by position')).toEqual([
    { name: '1_waits' },
    { name: '2_last' },
  ])
})

const role = 'failover_app'
const env = { SCHEMAGATE_APP_ROLE: role, SCHEMAGATE_APP_PASSWORD: 'app-password' }

/** The data of all pairs, and where an undisturbed run of the same migrations ends. */
let prepared: { readonly dir: string; readonly data: string; readonly expected: Standing }

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'schemagate-migrations-'))
  await write(dir, killMigrations)
  let expected: Standing | undefined
  const data = await preparedData(async server => {
    await ask(server, 'create database reference')
    const url = server.url.replace(/[^/]*$/, 'reference')
    expect((await schemagate(['up', '--dir', dir], { env: { ...env, DATABASE_URL: url } })).code).toBe(0)
    expected = await standing({ url, role })
    await ask(server, 'drop database reference')
    await ask(server, `drop owned by ${role}`)
    await ask(server, `drop role ${role}`)
  })
  prepared = { dir, data, expected: expected! }
})

afterAll(async () => {
  await removeDataDir(prepared.data)
  await rm(prepared.dir, { recursive: true })
})

/** Where a run is struck: at the first message that matches, or the one of this number. */
interface Strike {
  readonly at: RegExp | number
  readonly moment: Moment
  /** From this message on nothing comes to the standby any more. */
  readonly losingFrom?: RegExp | number
  readonly attributes?: string
  /** What the run must have said. */
  readonly says?: RegExp
}

test('a standby alone is no place for a migration, and the answer says where to go', async () => {
  const { standby } = await replicaPair(prepared.data)
  const env = { DATABASE_URL: standby.url }
  const { code, stdout } = await schemagate(['up', '--dir', await folder(files)], { env })
  expect({ stdout, code }).toMatchObject({ code: 9 })
  expect(stdout).toContain('name all hosts in the URL')
  expect((await schemagate(['status', '--dir', await folder(files)], { env })).code).toBe(0)
})

describe('a failover in the middle of a run ends in convergence on the new primary', () => {
  const points: readonly (readonly [string, Strike])[] = [
    ['before a migration', { at: /alter table t add column c int/, moment: 'before' }],
    ['in a migration that runs in a transaction', { at: /alter table t add column c int/, moment: 'after' }],
    ['after its commit, whose answer is lost', { at: /alter table t add column c int/, moment: 'answered' }],
    ['in the transaction of a code migration', { at: /insert into from_code/, moment: 'after' }],
    ['in a code migration without one', { at: /create index concurrently if not exists t_c/, moment: 'after' }],
    ['in a step', { at: /alter table s add column y/, moment: 'answered' }],
    [
      'in a run that might be at any server',
      { at: /drop index concurrently t_old/, moment: 'before', attributes: 'any' },
    ],
    ['in a breaking migration', { at: /alter table t rename column b to bb/, moment: 'after' }],
    ['while the manifest is published', { at: /insert into \S+\.manifest/, moment: 'after' }],
  ]
  test.for(points)('%s', async ([, strike]) => {
    const { outcome, expected } = await failOverAt(strike)
    expect(outcome).toEqual(expected)
  })
})

test('a failover while an index is built concurrently leaves no INVALID one: it is built again', async () => {
  const { dir, data, expected } = prepared
  const pair = await replicaPair(data)
  const { primary, standby } = pair
  const writer = new pg.Client({ connectionString: primary.url })
  writer.on('error', () => {})
  await writer.connect()
  onTestFinished(() => writer.end().catch(() => {}))
  const proxy = await tcpProxy(primary.url, {
    onMessage: async ({ sql = '' }) => {
      // the index is there, INVALID, and its building waits for this transaction to end
      if (/^create index concurrently t_a/.test(sql)) await writer.query('begin; delete from t where id < 0')
      return undefined
    },
  })
  const url = urlOf([{ url: proxy.url(primary.url) }, standby])
  const run = start(['up', '--dir', dir], { env: { ...env, DATABASE_URL: url } })
  await eventually(
    async () => {
      const indexes = await ask(
        standby,
        `select from pg_index where indexrelid = to_regclass('t_a') and not indisvalid`,
      )
      expect(indexes).toHaveLength(1)
    },
    { timeout: 30_000 },
  )
  await pair.failOver()
  const { code, stdout } = await run.ended
  expect(code, stdout).toBe(0)
  expect(stdout).toContain('dropped the INVALID index')
  expect(await standing({ url: standby.url, role })).toEqual(expected)
})

describe('a failover to a standby that lacks the last commits ends in convergence as well', () => {
  const lostCommits = /"event":"lost-commits"/
  const points: readonly (readonly [string, Strike])[] = [
    [
      'when it lacks the ledger itself',
      { losingFrom: /create schema/, at: /create table tally/, moment: 'before', says: lostCommits },
    ],
    [
      'when it lacks the procedures alone',
      { losingFrom: /create procedure/, at: /create table tally/, moment: 'before' },
    ],
    [
      'when it lacks migrations of this run',
      { losingFrom: /create table public\.s/, at: /'0005\.2'/, moment: 'before', says: lostCommits },
    ],
    [
      'when it lacks steps of the migration under way',
      { losingFrom: /'0005\.2'/, at: /drop index concurrently t_old/, moment: 'before' },
    ],
    [
      'when it lacks the last step of a migration before the one under way',
      { losingFrom: /^alter table p detach/, at: /'0006\.1'/, moment: 'before', says: lostCommits },
    ],
    [
      'when it lacks the word that running apps were told',
      { losingFrom: /'running'.*"breaking"/s, at: /rename column b to bb/, moment: 'before', says: lostCommits },
    ],
    [
      'when it lacks all but the last commit, whose answer was lost',
      { losingFrom: /'0012'/, at: /'0012'/, moment: 'answered' },
    ],
    [
      'when it lacks the manifest, whose answer was lost',
      { losingFrom: /insert into \S+\.manifest/, at: /insert into \S+\.manifest/, moment: 'after' },
    ],
    ["when it lacks the app's role", { losingFrom: /create role/i, at: /insert into \S+\.manifest/, moment: 'before' }],
  ]
  test.for(points)('%s', async ([, strike]) => {
    const { outcome, expected, run } = await failOverAt(strike)
    expect(outcome).toEqual(expected)
    if (strike.says) expect(run.stdout).toMatch(strike.says)
  })
})

/** The run has about 125 messages; the last ones have nothing after them that could notice a loss. */
describe.runIf(process.env.TEST_LONG)('a failover anywhere, to a standby that lacks what came just before', () => {
  const moments = ['before', 'after', 'answered'] as const
  const points = Array.from({ length: 26 }, (_, i) => ({
    at: 14 + 4 * i,
    back: 1 + ((i * 5) % 13),
    moment: moments[i % 3]!,
  }))
  test.for(points)('$moment message $at, $back before it are lost', async ({ at, back, moment }) => {
    const { outcome, expected } = await failOverAt({ at, moment, losingFrom: at - back })
    expect(outcome).toEqual(expected)
  })
})

async function failOverAt({ at, moment, losingFrom, attributes }: Strike) {
  const { dir, data, expected } = prepared
  const pair = await replicaPair(data)
  const { primary, standby } = pair
  let over: Promise<void> | undefined
  let lost: Promise<void> | undefined
  const verdicts: Record<Moment, Verdict> = { before: 'cut-before', after: 'forward', answered: 'cut-after-answer' }
  const proxy = await tcpProxy(primary.url, {
    onMessage: async message => {
      if (!lost && losingFrom !== undefined && isIt(message, losingFrom)) {
        lost = pair.disconnect()
        await lost
      }
      if (over || !isIt(message, at)) return 'forward'
      // a run that could go on with the old primary until that has stopped might end there
      proxy.refuse(true)
      if (moment === 'after') proxy.pause()
      over = moment === 'answered' ? cutBy(proxy).then(pair.failOver) : pair.failOver()
      return verdicts[moment]
    },
  })
  const url = urlOf([{ url: proxy.url(primary.url) }, standby], attributes)
  const run = await schemagate(['up', '--dir', dir], { env: { ...env, DATABASE_URL: url } })
  await over
  const said = run.stdout + run.stderr
  expect({ struck: over !== undefined, lost: lost !== undefined, code: run.code }, said).toEqual({
    struck: true,
    lost: losingFrom !== undefined,
    code: 0,
  })
  return { outcome: await standing({ url: standby.url, role }), expected, run }
}

test('a replica that lags is named before a breaking migration, and before no other', async () => {
  const { primary, standby } = await replicaPair(prepared.data)
  const dir = await folder(files)
  const env = { DATABASE_URL: primary.url }
  expect((await schemagate(['up', '--dir', dir], { env })).stdout).not.toContain('replica-lag')
  const breaking = (name: string) => `-- schemagate:breaking\nalter table users add column ${name} int;`

  await write(dir, { '2_well.sql': breaking('a') })
  const well = await schemagate(['up', '--dir', dir], { env })
  expect({ code: well.code, lag: well.stdout.includes('replica-lag') }).toEqual({ code: 0, lag: false })

  await ask(standby, 'select pg_wal_replay_pause()')
  await write(dir, { '3_harmless.sql': 'alter table users add column b int;' })
  expect((await schemagate(['up', '--dir', dir], { env })).stdout).not.toContain('replica-lag')

  await write(dir, { '4_breaking.sql': breaking('c') })
  const late = await schemagate(['up', '--dir', dir], { env })
  expect(late.code).toBe(0)
  const [line] = late.lines.filter(({ event }) => event === 'replica-lag')
  expect(line).toMatchObject({
    level: 'warn',
    migration: '4_breaking',
    replicas: [{ name: 'standby', address: '127.0.0.1', state: 'streaming', lagBytes: expect.any(Number) }],
  })
  expect(line?.msg).toMatch(
    /^4_breaking is breaking, and replicas lag behind: standby at 127\.0\.0\.1 \(streaming, \d+ bytes of WAL/,
  )

  // a role that may not see it says so to those who ask
  await ask(primary, `create role owner login password 'owner'; grant all on schema public to owner`)
  await ask(primary, 'grant all on schema schemagate to owner; alter table users owner to owner')
  for (const table of ['ledger', 'manifest', 'runs', 'ledger_version', 'adoption'])
    await ask(primary, `alter table schemagate.${table} owner to owner`)
  for (const routine of ['require(text)', 'require(jsonb)', 'begin_migration', 'record_applied'])
    await ask(primary, `alter routine schemagate.${routine} owner to owner`)
  const url = new URL(primary.url)
  url.username = url.password = 'owner'
  await write(dir, { '5_breaking.sql': breaking('d') })
  const blind = await schemagate(['up', '--dir', dir, '--log-level', 'debug'], { env: { DATABASE_URL: url.href } })
  expect(blind.code, blind.stdout).toBe(0)
  const noted = blind.lines.filter(({ event }) => event === 'replica-lag')
  expect(noted).toMatchObject([{ level: 'debug', msg: expect.stringContaining('pg_monitor') }])
})

function isIt({ index, sql = '' }: ClientMessage, which: RegExp | number): boolean {
  return typeof which === 'number' ? index === which : which.test(sql)
}

/** Resolves when the answer has come and been thrown away. */
async function cutBy(proxy: TcpProxy): Promise<void> {
  const { made } = proxy.connections
  await eventually(() => expect(proxy.connections.open).toBeLessThan(made), { timeout: 30_000, interval: 2 })
}
