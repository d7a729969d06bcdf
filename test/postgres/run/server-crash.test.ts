// A server that crashes forgets what was committed without waiting for the disk: a run must not build on that.

import pg from 'pg'
import { expect } from 'vitest'
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

test('a run of small migrations that loses committed ones to a crash of the server applies those again', async () => {
  const dir = await folder(small)
  // nothing that was committed without waiting reaches the disk before the crash
  const server = await ownServer({ settings: { wal_writer_delay: '10s', wal_writer_flush_after: '100MB' } })
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
