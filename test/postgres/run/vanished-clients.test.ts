// What has vanished keeps no lock: a migrator whose machine or network is gone is out of the database within 30 s; one that is
// only busy stays in.

import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { type RunningCli, start } from '../../helpers/cli.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { networkNamespace, whyNoNamespaces } from '../../helpers/network-namespace.ts'
import { ownServer } from '../../helpers/server.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const promised = 30_000
const noNamespaces = await whyNoNamespaces()

/** Computes for so long, with a lock in its hands and without a query. */
const computes = (ms: number, mark = '') => `${mark}
export async function up({ query }) {
  await query('alter table held add column x int')
  const end = Date.now() + ${ms}
  while (Date.now() < end) await new Promise(done => setTimeout(done, 200))
  await query('insert into held (a) values (1)')
}
`
const loose = '// migrate:up transaction:false'

/** About a minute of work in one statement, with a lock on the table. */
const longIndex = `create function slow(int) returns int immutable language plpgsql as 'begin perform pg_sleep(0.05); return $1; end';
insert into held select generate_series(1, 1200);
create index held_slow on held (slow(a));
`

interface Scene {
  readonly what: string
  readonly files: Record<string, string>
  /** Seen in pg_stat_activity when the time to vanish has come. */
  readonly when: string
}

const computing: Scene = {
  what: 'a code migration that computes in its transaction',
  files: { '0001_code.ts': computes(120_000) },
  when: "state = 'idle in transaction' and query like 'alter table held%'",
}
const outside: Scene = {
  what: 'a code migration outside of a transaction, which holds the run lock',
  files: { '0001_loose.ts': computes(120_000, loose) },
  when: "state = 'idle' and query like 'alter table held%'",
}
const indexing: Scene = {
  what: 'a long CREATE INDEX',
  files: { '0001_index.sql': longIndex },
  when: "state = 'active' and wait_event = 'PgSleep'",
}

test('a migrator that vanishes keeps no lock for longer than 30 s, and one that computes for longer is not ended', {
  timeout: 120_000,
}, async ({ skip }) => {
  if (noNamespaces !== undefined) skip(noNamespaces)
  const server = await ownServer({ settings: { listen_addresses: '*' } })
  const admin = await connectTo(server.url)
  const namespace = await networkNamespace()
  await appendFile(join(server.dataDir, 'pg_hba.conf'), `host all all ${namespace.address}/32 trust\n`)
  await admin.query('select pg_reload_conf()')

  const urlOf = async (name: string) => {
    await admin.query(`create database ${name}`)
    const url = new URL(server.url)
    url.pathname = `/${name}`
    const client = await connectTo(url.href)
    await client.query('create table held (a int)')
    return { client, url }
  }
  /** Until the scene is reached; the time of the loss is then measured from `vanish` on. */
  const reached = async (run: RunningCli, client: pg.Client, { when, what }: Scene) => {
    await eventually(
      async () => {
        const { rows } = await client.query(
          `select from pg_stat_activity where application_name like 'schemagate migrator %' and datname = current_database() and ${when}`,
        )
        expect(rows.length, `${what}: ${run.stdout}`).toBe(1)
      },
      { timeout: 30_000 },
    )
  }
  const free = async (client: pg.Client, { what }: Scene) => {
    const lost = performance.now()
    await eventually(
      async () => {
        await client.query('begin; lock table held in access exclusive mode nowait; commit').catch(async error => {
          await client.query('rollback')
          throw error
        })
        const { rows } = await client.query(
          `select from pg_stat_activity where application_name like 'schemagate migrator %' and datname = current_database()`,
        )
        expect(rows).toEqual([])
      },
      { timeout: promised, interval: 100 },
    )
    console.log(`${what}: its locks were free after ${((performance.now() - lost) / 1_000).toFixed(1)} s`)
  }

  const inNamespace = [computing, outside, indexing].map(async (scene, i) => {
    const { client, url } = await urlOf(`netns_${i}`)
    url.hostname = namespace.host
    const run = start(['up', '--dir', await folder(scene.files)], {
      ...{
        env: { DATABASE_URL: url.href, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
        within: namespace.enter,
        timeout: 110_000,
      },
    })
    await reached(run, client, scene)
    return { scene, client, run }
  })
  const behindProxy = [computing, outside].map(async (scene, i) => {
    const { client, url } = await urlOf(`proxy_${i}`)
    const proxy = await tcpProxy(url.href)
    const run = start(['up', '--dir', await folder(scene.files)], {
      env: { DATABASE_URL: proxy.url(url.href), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
      timeout: 110_000,
    })
    await reached(run, client, scene)
    return { scene: { ...scene, what: `${scene.what}, behind a proxy that stays` }, client, run, proxy }
  })
  // what only computes, for longer than the limit, and is not ended
  const long = process.env.TEST_LONG === '1' ? 60_000 : 25_000
  const busy = ['', loose].map(async (mark, i) => {
    const { url } = await urlOf(`busy_${i}`)
    const run = start(['up', '--dir', await folder({ '0001_code.ts': computes(long, mark) })], {
      env: { DATABASE_URL: url.href, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
      timeout: 110_000,
    })
    return await run.ended
  })

  const vanishing = await Promise.all(inNamespace)
  const proxied = await Promise.all(behindProxy)
  await namespace.vanish()
  for (const { proxy } of proxied) proxy.pause()
  await Promise.all([...vanishing, ...proxied].map(({ client, scene }) => free(client, scene)))
  for (const { run } of [...vanishing, ...proxied]) run.kill('SIGKILL')
  for (const { code, stdout, lines } of await Promise.all(busy)) {
    expect(code, stdout).toBe(0)
    expect(lines.filter(line => line.level === 'warn')).toEqual([])
  }
})

async function connectTo(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  return client
}
