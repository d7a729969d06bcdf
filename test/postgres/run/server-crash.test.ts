// A server that crashes: a run must not build on what it forgets, nor tell what it has not looked for.

import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { type Moment, tryPoint, undisturbed } from '../../helpers/kill-point.ts'
import { folder } from '../../helpers/migrations.ts'
import { ownServer } from '../../helpers/server.ts'

const small = Object.fromEntries([
  ['0001_tally.sql', "create table tally (step text not null); insert into tally values ('0001');"],
  ...Array.from({ length: 12 }, (_, i): [string, string] => {
    const name = `${i + 2}`.padStart(4, '0')
    return [`${name}_small.sql`, `create table t${name} (x int); insert into tally values ('${name}');`]
  }),
])

/** What was committed without waiting is left to the sessions to write. */
const idleWalWriter = { wal_writer_delay: '10s', wal_writer_flush_after: '100MB' }

test('a run of small migrations that loses committed ones to a crash of the server applies those again', async () => {
  const dir = await folder(small)
  // nothing that was committed without waiting reaches the disk before the crash
  const server = await ownServer({ settings: idleWalWriter })
  const admin = new pg.Pool({ connectionString: server.url, max: 1 })
  admin.on('error', () => {})
  try {
    const scratch = async (name: string) => {
      await admin.query(`create database ${name} template template0 strategy wal_log`)
      return server.url.replace(/[^/]*$/, name)
    }
    const reference = await undisturbed({ url: await scratch('reference'), dir })
    const moments: [Moment, string][] = [
      ['before', 'create table t0008'],
      ['after', 'create table t0009'],
      ['answered', 'create table t0010'],
    ]
    for (const [moment, statement] of moments) {
      const url = await scratch(`crash_${moment}`)
      const outcome = await tryPoint({ url, dir, server }, { cause: 'crash', moment, statement }, reference.end)
      expect(outcome.failure).toBeUndefined()
      expect(outcome.at).toContain(statement)
    }
  } finally {
    await admin.end()
  }
})

/** Its statement needs more of the write-ahead log than there is room for. */
const panics = {
  '0001_a.sql': 'create table a (x int);',
  '0002_large.sql': `do $$ begin
    for i in 1..6 loop insert into a values (i); perform pg_switch_wal(); end loop;
  end $$;`,
  '0003_c.sql': 'create table c (x int);',
}

/** A server that stays down after a panic, and whose write-ahead log can be kept from growing. */
async function serverWithoutRoom() {
  const server = await ownServer({ settings: { ...idleWalWriter, restart_after_crash: false } })
  const wal = join(server.dataDir, 'pg_wal')
  return { server, fill: () => chmod(wal, 0o500), makeRoom: () => chmod(wal, 0o700) }
}

test('a run whose server panics finds out what was committed, and goes on from there', async () => {
  const dir = await folder(panics)
  const { server, fill, makeRoom } = await serverWithoutRoom()
  await fill()
  const run = start(['up', '--dir', dir], { env: { DATABASE_URL: server.url } })
  await server.ended
  await makeRoom()
  await server.start()
  const { code, stdout } = await run.ended
  expect(stdout).toContain('lost the connection during 0002_large (could not')
  expect(code, stdout).toBe(0)
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  expect((await client.query('select x from a order by x')).rows).toHaveLength(6)
  await client.end()
})

test('a migration over which the server panics each time fails with what the server said', async () => {
  const dir = await folder(panics)
  const { server, fill, makeRoom } = await serverWithoutRoom()
  const env = { DATABASE_URL: server.url }
  await fill()
  const run = start(['up', '--dir', dir], { env })
  for (let panicked = 1; panicked <= 3; panicked++) {
    await server.ended
    await makeRoom()
    await server.start()
    if (panicked < 3) await fill()
  }
  const { code, stdout } = await run.ended
  expect(code, stdout).toBe(5)
  expect(stdout).toMatch(/0002_large lost its server 3 times in a row, the last time with: could not .*pg_wal/)
  expect(await schemagate(['up', '--dir', dir], { env })).toMatchObject({ code: 0 })
})

test('a migration whose process in the server is killed each time, as for want of memory, is given up', async () => {
  const killed = "format('copy (select 1) to program %L', 'kill -9 ' || pg_backend_pid())"
  const dir = await folder({
    '0001_a.sql': 'create table a (x int);',
    '0002_large.sql': `do $$ begin execute ${killed}; end $$;`,
  })
  const server = await ownServer()
  const { code, stdout } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: server.url } })
  expect(code, stdout).toBe(5)
  // a server that is back at once is not seen to have crashed
  expect(stdout).toMatch(/0002_large lost its (server 3|connection 11) times in a row/)
})
