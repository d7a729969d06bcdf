// Output that cannot be written, as to a file on a disk that is full.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

const files = { '0001_a.sql': 'create table a (id int);', '0002_b.sql': 'create table b (id int);' }

/** As a shell would start it with both ends of its output on a full disk. */
const full = ['sh', '-c', 'exec "$@" >/dev/full 2>/dev/full', 'sh']
const fullOutput = ['sh', '-c', 'exec "$@" >/dev/full', 'sh']
/** No file can have content, as on a full disk. */
const tooLarge = ['sh', '-c', 'ulimit -f 0; exec "$@"', 'sh']

test.for(['json', 'pretty'])(
  'a log that cannot be written changes neither the result nor the exit code: %s',
  async (format, { database }) => {
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: await folder(files), LOG_FORMAT: format }
    const run = (...args: string[]) => schemagate(args, { env, within: full, timeout: 20_000 })
    expect((await run('check')).code).toBe(7)
    expect((await run('verify', '--bogus')).code).toBe(2)
    expect((await run('up')).code).toBe(0)
    expect((await database.query("select to_regclass('b') is not null as made")).rows).toEqual([{ made: true }])
    await database.query('alter table schemagate.ledger rename to elsewhere')
    expect((await run('up')).code).not.toBe(0)
  },
)

test.for(['status', 'plan', 'manifest', '--version'])(
  'a result that cannot be written is no success: %s',
  async (command, { database }) => {
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: await folder(files) }
    const { code, stderr } = await schemagate([command], { env, within: fullOutput })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/result could not be written: ENOSPC/) })
  },
)

test('files that cannot be written are not left half written', async () => {
  const compose =
    'services:\n  db: { image: "postgres:17" }\n  app: { image: app, depends_on: [db], environment: { DATABASE_URL: "postgres://db/x" } }\n'
  const overlay = '# Written by `schemagate doctor --fix`, before\nservices:\n  app: { environment: { A: b } }\n'
  const dir = await folder({
    'compose.yaml': compose,
    'compose.schemagate.yml': overlay,
    'migrations/1_a.up.sql': 'select 1;',
    'migrations/1_a.down.sql': 'select 1;',
  })
  for (const args of [
    ['create', 'b', '--dir', 'migrations'],
    ['doctor', '--fix'],
    ['init', '--yes', '--command', 'true'],
  ]) {
    const { code, stderr } = await schemagate(args, { cwd: dir, within: tooLarge })
    expect([args, code, stderr]).toEqual([args, 2, expect.stringMatching(/cannot be written \(EFBIG\)/)])
  }
  expect((await readdir(dir, { recursive: true })).sort()).toEqual([
    'compose.schemagate.yml',
    'compose.yaml',
    'migrations',
    'migrations/1_a.down.sql',
    'migrations/1_a.up.sql',
  ])
  expect(await readFile(join(dir, 'compose.schemagate.yml'), 'utf8')).toBe(overlay)
})
