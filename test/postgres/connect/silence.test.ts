// Servers that take a connection and stop answering, and ledgers that another session has locked: no run waits for ever.

import { expect } from 'vitest'
import { readTarget } from '../../../gate/postgres/target.ts'
import { silent } from '../../../migrator/log.ts'
import { resetSession } from '../../../migrator/postgres/limits.ts'
import { Session } from '../../../migrator/postgres/session.ts'
import { watchSilence } from '../../../migrator/postgres/silence.ts'
import { asSchemagateError } from '../../../migrator/run/result.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const { signal } = new AbortController()

function open(url: string): Promise<Session> {
  const target = readTarget(url, {}, undefined, [])!
  return Session.open({ target, timeout: 10_000, signal, log: silent, applicationName: 'test' })
}

test('a server that answers no question does not answer: 3, when the time is up', async ({ database }) => {
  const dir = await folder({ '0001_a.sql': 'create table a (id int);' })
  const isQuestion = (sql: string | undefined) => sql?.includes('server_version_num') === true
  const proxy = await tcpProxy(database.url, {
    onMessage: ({ sql }) => (isQuestion(sql) ? new Promise<never>(() => {}) : 'forward'),
  })
  const env = { DATABASE_URL: proxy.url(database.url) }
  for (const command of ['up', 'status', 'check']) {
    const result = await schemagate([command, '--dir', dir, '--connect-timeout', '700ms'], { env, timeout: 20_000 })
    expect([command, result.code]).toEqual([command, 3])
    expect(result.stdout + result.stderr).toMatch(/did not answer within 700 ms: .*no answer to the first question/)
  }
})

test('a server that stops answering is noticed in the middle of a question, and one that is at work is left to it', async ({
  database,
}) => {
  const proxy = await tcpProxy(database.url)
  const session = await open(proxy.url(database.url))
  watchSilence(session.client, session.endpoint, 100)
  await session.query('select pg_sleep(1.5)')
  proxy.pause()
  const error = await session.query('select 1').catch((thrown: unknown) => thrown)
  expect(asSchemagateError(error, signal)).toMatchObject({
    exitCode: 3,
    message: expect.stringContaining('the server has not answered for 600 ms'),
  })
  session.close()
})

test('a question of its own waits for a lock for a minute at most, and says so', async ({ database }) => {
  const session = await open(database.url)
  const limit = () => session.query('show lock_timeout').then(({ rows }) => rows)
  expect(await limit()).toEqual([{ lock_timeout: '1min' }])
  await session.script(`set lock_timeout = '1h';${resetSession(session)}`).done
  expect(await limit()).toEqual([{ lock_timeout: '1min' }])
  await database.query('create table t ()')
  const other = await open(database.url)
  await other.query('begin; lock table t')
  const error = await session.query("set lock_timeout = '50ms'; select from t").catch((thrown: unknown) => thrown)
  expect(asSchemagateError(error, signal)).toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/Another session has locked .* \(55P03\).*pg_locks .* pg_prepared_xacts/s),
  })
  for (const one of [session, other]) one.close()
})
