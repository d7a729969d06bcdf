// A command whose reader has gone, as `schemagate plan | head` leaves it.

import { expect } from 'vitest'
import { start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

test('a reader that has gone changes neither the result nor the exit code', async ({ database }) => {
  const dir = await folder({ '0001_a.sql': 'create table a (id int);', '0002_b.sql': 'create table b (id int);' })
  const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
  for (const [command, code] of [
    [['plan'], 0],
    [['check'], 7],
    [['up'], 0],
    [['status', '--format', 'json'], 0],
    [['create', 'next'], 0],
    [['doctor', '--all'], 0],
  ] as const) {
    const running = start(command, { env })
    running.child.stdout?.destroy()
    const ended = await running.ended
    expect([command, ended.code, ended.stderr]).toEqual([command, code, expect.not.stringContaining('EPIPE')])
  }
  expect((await database.query("select to_regclass('b') is not null as made")).rows).toEqual([{ made: true }])
})
