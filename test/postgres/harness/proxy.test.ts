// The proxy and the pooler that other tests stand behind: each of their tricks is shown to do what it says.

import pg from 'pg'
import { expect } from 'vitest'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { type TcpProxy, tcpProxy, type Verdict } from '../../helpers/tcp-proxy.ts'

async function through(proxy: TcpProxy, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: proxy.url(url) })
  client.on('error', () => {})
  await client.connect()
  return client
}

test('the proxy counts and shows the messages of a client', async ({ database }) => {
  const proxy = await tcpProxy(database.url)
  const client = await through(proxy, database.url)
  await client.query('select 1')
  await client.query('select $1::int', [2])
  await client.end()
  expect(proxy.messages.map(({ type }) => type).join(' ')).toMatch(/^startup p p Q P B D E S X$/)
  expect(proxy.messages.map(({ index }) => index)).toEqual(proxy.messages.map((_, at) => at + 1))
  expect(proxy.messages.flatMap(({ sql }) => sql ?? [])).toEqual(['select 1', 'select $1::int'])
  expect(proxy.connections.made).toBe(1)
})

const verdicts: [Exclude<Verdict, 'forward'>, number][] = [
  ['cut-before', 0],
  ['cut-after', 1],
  ['cut-after-answer', 1],
]

test.for(verdicts)('a connection with %s at an insert leaves %i rows', async ([verdict, rows], { database }) => {
  await database.query('create table t (a int)')
  const proxy = await tcpProxy(database.url, {
    onMessage: ({ sql }) => (sql?.startsWith('insert') ? verdict : 'forward'),
  })
  const client = await through(proxy, database.url)
  await expect(client.query('insert into t values (1)')).rejects.toThrow('terminated')
  await eventually(async () => expect((await database.query('select * from t')).rowCount).toBe(rows))
  expect(proxy.connections.open).toBe(0)
})

test('an answer is lost only after the server has given it, also with parameters', async ({ database }) => {
  await database.query('create table t (a int)')
  const proxy = await tcpProxy(database.url, {
    onMessage: ({ type }) => (type === 'P' ? 'cut-after-answer' : 'forward'),
  })
  const client = await through(proxy, database.url)
  await expect(client.query('insert into t values ($1)', [1])).rejects.toThrow('terminated')
  expect((await database.query('select * from t')).rowCount).toBe(1)
})

test('every message of a session can be the last one', async ({ database }) => {
  for (const verdict of ['cut-before', 'cut-after', 'cut-after-answer'] as const) {
    for (let index = 1; index <= 4; index++) {
      const proxy = await tcpProxy(database.url)
      proxy.cutAt(index, verdict)
      const session = through(proxy, database.url).then(client => client.query('select 1'))
      await expect(session, `${verdict} ${index}`).rejects.toThrow('terminated')
      expect(proxy.messages).toHaveLength(index)
    }
  }
})

test('a paused proxy lets nothing pass until it is resumed', async ({ database }) => {
  const proxy = await tcpProxy(database.url)
  const client = await through(proxy, database.url)
  proxy.pause()
  let answered = false
  const answer = client.query('select 1').then(() => {
    answered = true
  })
  await eventually(() => expect(proxy.messages.at(-1)?.sql).toBe('select 1'))
  expect((await database.query('select 1')).rowCount).toBe(1)
  expect(answered).toBe(false)
  proxy.resume()
  await answer
  await client.end()
})

test('a delay holds every question and answer', async ({ database }) => {
  const proxy = await tcpProxy(database.url)
  const client = await through(proxy, database.url)
  proxy.delay(100)
  const started = performance.now()
  await client.query('select 1')
  expect(performance.now() - started).toBeGreaterThan(190)
  proxy.delay(0)
  await client.end()
})

test('a refusing proxy takes no connection, and takes them again later', async ({ database }) => {
  const proxy = await tcpProxy(database.url)
  proxy.refuse(true)
  await expect(through(proxy, database.url)).rejects.toThrow()
  proxy.refuse(false)
  await (await through(proxy, database.url)).end()
})

test('PgBouncer in transaction mode gives a session a server of its own only for each transaction', async ({
  database,
  skip,
}) => {
  skip(pgbouncerPath === undefined, noPgbouncer)
  const role = database.role('app')
  const bouncer = await pgbouncer(database.url, { poolSize: 1 })
  await database.query(`create role ${role} login password 'it''s "secret"'`)
  await bouncer.addUser(role, 'it\'s "secret"')
  const [one, two] = [new pg.Client(bouncer.url(database.url)), new pg.Client(bouncer.url(database.url))]
  await Promise.all([one.connect(), two.connect()])
  const pid = async (client: pg.Client) => (await client.query('select pg_backend_pid() as pid')).rows[0].pid
  expect(await pid(one)).toBe(await pid(two))
  await Promise.all([one.end(), two.end()])
})
