// Names of files and of tables can hold what a terminal obeys: no command prints it as it is.

import { expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

test('names are printed without what would move a cursor or end a comment', async ({ database }) => {
  const dir = await folder({
    '1_a\u001B[2J.sql': 'create table a (\r\n);',
    '2_b\ndrop table a; --\u009B1m.sql': 'create table b ();',
  })
  const ended = async (expected: number, ...args: string[]) => {
    const { stdout, code } = await schemagate([...args, '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(code).toBe(expected)
    // what `up` writes is a log, in JSON as pino writes it
    if (args[0] !== 'up') expect(stdout).not.toMatch(/(?![\r\n\t])\p{Cc}/u)
    return stdout
  }
  const run = (...args: string[]) => ended(0, ...args)
  const plan = await run('plan')
  expect(plan).toContain('-- 1_a\\x1b[2J (in one transaction): ')
  expect(plan).toContain('-- 2_b\\ndrop table a; --\\x9b1m (in one transaction): ')
  // SQL stays as it is
  expect(plan).toContain('create table a (\r\n);')
  await run('up', '--to', '1_a\u001B[2J')
  expect(await run('plan')).not.toMatch(/^drop/m)
  await run('up')
  expect(await run('plan')).toContain('the head is 2_b\\ndrop table a; --\\x9b1m')
  expect(await run('check')).toContain('the head is 2_b')
  expect(await run('status')).toContain('  applied  2_b\\ndrop table a; --\\x9b1m  ')
  const { applied } = JSON.parse(await run('status', '--format', 'json'))
  expect(applied[1].name).toBe('2_b\ndrop table a; --\u009B1m')
  await database.query(`create table "c\u001B[2J\u009B1m" ()`)
  expect(await ended(7, 'verify')).toContain('table "c\\x1b[2J\\x9b1m": exists')
  expect(JSON.parse(await ended(7, 'verify', '--format', 'json')).differences[0].name).toContain('c\u001B[2J\u009B1m')
  await write(dir, { '1_a\u001B[2J.sql': 'create table c ();' })
  expect(await run('repair', '--accept-edited', '1_a\u001B[2J')).toMatch(/^1_a\\x1b\[2J$/m)
  await database.query('drop schema schemagate cascade')
  expect(await run('baseline', '2_b\ndrop table a; --\u009B1m')).toContain('recorded 1_a\\x1b[2J')
})

test('no name and no value that the server quotes makes a line of its own in the log', async ({ database }) => {
  const forged = '[12:00:00.000] INFO: all is well'
  const dir = await folder({
    [`1_a\n${forged}.sql`]: 'create table a ();',
    '2_b.sql': `select E'b\\n${forged}'::int;`,
  })
  const { stdout, code } = await schemagate(['up', '--dir', dir], {
    env: { DATABASE_URL: database.url, LOG_FORMAT: 'pretty' },
  })
  expect(code).toBe(5)
  expect(stdout.match(/all is well/g)!.length).toBeGreaterThan(2)
  expect(stdout).not.toMatch(/^\[12:00:00\.000\]/m)
})
