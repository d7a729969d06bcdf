// After a crash the server uses the numbers of lost transactions again: a gate that had read their rows has to read anew.

import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { ask } from '../../helpers/replication.ts'
import { ownServer } from '../../helpers/server.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { gateOf, ledgerOf, manifest } from './fixtures.ts'

test('a row that has the place and the transaction of one that a crash lost is not taken for that one', async () => {
  const server = await ownServer({
    settings: {
      synchronous_commit: false,
      ...{ wal_writer_delay: '10s', wal_writer_flush_after: '100MB', autovacuum: false },
    },
  })
  const query = (sql: string, params?: unknown[]) => ask(server, sql, params)
  const ledger = ledgerOf({ query })
  await ledger.create()
  await ledger.applyQuietly('0001_users')
  await query('checkpoint')
  const write = (change: string) =>
    query(`update schemagate.ledger set ${change} returning xmin::text as transaction, ctid::text as place`)
  const lost = await write('checksum = checksum')
  const proxy = await tcpProxy(server.url)
  const gate = gateOf({ url: proxy.url(server.url), manifest: manifest('0001_users') })
  await gate.whenOpen()

  proxy.refuse(true)
  const victim = new pg.Client({ connectionString: server.url })
  victim.on('error', () => {})
  onTestFinished(() => victim.end().catch(() => {}))
  await victim.connect()
  const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid')
  process.kill(rows[0]!.pid, 'SIGKILL')
  await expect(victim.query('select pg_sleep(10)')).rejects.toThrow()
  const found = await eventually(() => write("checksum = 'of another release'"))
  expect(found).toEqual(lost)
  await eventually(() => expect(gate.state).toBe('unreachable'))
  proxy.refuse(false)
  await eventually(() => expect(gate.state).not.toBe('unreachable'))
  expect(gate.status).toMatchObject({ state: 'diverged' })
})
