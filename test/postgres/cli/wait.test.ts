// `wait`: for engines without start conditions, where the app's own container asks, as the app's own role.

import { constants } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { on, files as threeFiles } from './fixtures.ts'

const files = { '0001_users.sql': 'create table users (id int);\n' }
const password = 'app-password'

describe('wait', () => {
  test('waits as a role that the first successful run will make, and then becomes the command', async ({
    database,
  }) => {
    const dir = await folder(files)
    const role = database.role('app')
    const env = { DATABASE_URL: database.urlFor(role, password), SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' }
    const waiting = start(['wait', '--timeout', '30s', '--', process.execPath, '-e', 'process.exit(42)'], { env })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))

    const owner = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, SCHEMAGATE_APP_PASSWORD: password }
    expect((await schemagate(['up', '--app-role', role], { env: owner })).code).toBe(0)
    const { code, lines } = await waiting.ended
    expect(lines.map(({ event }) => event)).toContain('matches')
    expect(code).toBe(42)
  })

  test('waits for a schema that the role may not look into yet', async ({ database }) => {
    const dir = await folder(files)
    const role = database.role('app')
    await database.query(`create role ${role} login password '${password}'`)
    const owner = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, SCHEMAGATE_APP_PASSWORD: password }
    expect((await schemagate(['up'], { env: owner })).code).toBe(0)
    const env = { DATABASE_URL: database.urlFor(role, password), SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' }
    const waiting = start(['wait', '--timeout', '30s'], { env })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))
    expect((await schemagate(['up', '--app-role', role], { env: owner })).code).toBe(0)
    expect((await waiting.ended).code).toBe(0)
  })

  test('ends with the last answer when the time is up', async ({ database }) => {
    const dir = await folder(files)
    const answers = async (url: string) => {
      const started = performance.now()
      const { code } = await schemagate(['wait', '--timeout', '500ms', '--dir', dir], { env: { DATABASE_URL: url } })
      expect(performance.now() - started).toBeGreaterThanOrEqual(500)
      return code
    }
    expect(await answers(database.url)).toBe(7)
    expect(await answers(database.urlFor('nobody_such', 'wrong'))).toBe(9)
  })

  test('ends when the time is up, also where the ledger is locked', async ({ database }) => {
    const dir = await folder({ '1_a.sql': 'create table a ();' })
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
    expect((await schemagate(['up'], { env })).code).toBe(0)
    const holder = await database.connect()
    await holder.query('begin; lock table schemagate.ledger')
    const started = performance.now()
    const waited = await schemagate(['wait', '--timeout', '1s'], { env })
    expect(performance.now() - started).toBeLessThan(8_000)
    expect(waited.code, waited.stdout).toBe(3)
    expect(waited.stdout).toContain("another session may have locked the ledger's table")
    await holder.query('rollback')
    expect((await schemagate(['wait', '--timeout', '1s'], { env })).code).toBe(0)
  })

  test('hears the last answer also of a server that takes its time', async ({ database }) => {
    const proxy = await tcpProxy(database.url)
    const env = { DATABASE_URL: proxy.url(database.url), LOG_FORMAT: 'json' }
    const waiting = start(['wait', '--timeout', '1s', '--dir', await folder(files)], { env })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))
    // Slow for the last ask alone, which begins when the time is up.
    const timer = setTimeout(() => proxy.delay(80), 850)
    expect((await waiting.ended).code).toBe(7)
    clearTimeout(timer)
  })

  test('does not wait for what no run can change', async ({ database }) => {
    const missing = join(await folder(files), 'missing')
    const env = { DATABASE_URL: database.url }
    expect((await schemagate(['wait', '--dir', missing], { env })).code).toBe(2)
  })
})

describe('with the files', () => {
  test('asks until the answer is yes', async ({ database }) => {
    const dir = await folder(threeFiles)
    const waiting = start(['wait', '--timeout', '30s', '--dir', dir], { env: { DATABASE_URL: database.url } })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))
    await on(database, dir)('up')
    const { code, lines } = await waiting.ended
    expect(code).toBe(0)
    expect(lines.at(-1)).toMatchObject({ event: 'matches', head: '3_code' })
  })

  test('ends with the code of the last answer when the time is up', async ({ database }) => {
    const dir = await folder(threeFiles)
    const run = on(database, dir)
    expect(await run('wait', '--timeout', '300ms')).toMatchObject({ code: 7 })
    await run('up')
    await write(dir, { '1_users.sql': 'select 1;' })
    expect(await run('wait', '--timeout', '300ms')).toMatchObject({ code: 6 })
    const unreachable = await schemagate(['wait', '--timeout', '300ms', '--dir', dir], {
      env: { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d' },
    })
    expect(unreachable.code).toBe(3)
    expect(unreachable.stdout).toContain('nothing listens there (ECONNREFUSED)')
    expect(unreachable.stdout).toContain('`wait`: --timeout')
    expect(unreachable.stdout).not.toContain('locked')
  })

  test('becomes the command, with its exit code, its output and its signals', async ({ database }) => {
    const dir = await folder({ '1_a.sql': 'select 1;' })
    const run = on(database, dir)
    await run('up')
    expect(await run('wait', '--', 'sh', '-c', 'exit 7')).toMatchObject({ code: 7 })
    const echoed = await run('wait', '--', 'sh', '-c', 'echo "$0 $1"; echo "$DATABASE_URL" | wc -c', 'a b', '--dir')
    expect(echoed).toMatchObject({ code: 0, stdout: expect.stringContaining('a b --dir\n') })

    const env = { DATABASE_URL: database.url }
    const child = start(
      [
        'wait',
        '--dir',
        dir,
        '--',
        'sh',
        '-c',
        'trap "echo stopped; exit 3" TERM; echo ready; while :; do sleep 0.05; done',
      ],
      { env },
    )
    await eventually(() => expect(child.stdout).toContain('ready'))
    child.kill('SIGTERM')
    expect(await child.ended).toMatchObject({ code: 3, stdout: expect.stringContaining('stopped') })
    const killed = start(['wait', '--dir', dir, '--', 'sh', '-c', 'echo ready; exec sleep 600'], { env })
    await eventually(() => expect(killed.stdout).toContain('ready'))
    killed.kill('SIGTERM')
    expect(await killed.ended).toMatchObject({ signal: 'SIGTERM' })

    expect(await run('wait', '--', 'no-such-command-here')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('no-such-command-here'),
    })
    await write(dir, { '2_b.sql': 'select 2;' })
    const not = await run('wait', '--timeout', '200ms', '--', 'sh', '-c', 'echo ran')
    expect(not).toMatchObject({ code: 7, stdout: expect.not.stringContaining('ran\n') })
  })

  test.skipIf(process.platform !== 'linux')(
    'the command has pipes and signals as a shell would give it',
    async ({ database }) => {
      const dir = await folder({ '1_a.sql': 'select 1;' })
      const run = on(database, dir)
      await run('up')
      const shown = 'grep SigIgn /proc/self/status; cat /proc/self/fdinfo/1 /proc/self/fdinfo/2'
      const { code, stdout } = await run('wait', '--', 'sh', '-c', shown)
      expect(code).toBe(0)
      // SIGPIPE and SIGXFSZ would be 1001000
      expect(stdout).toMatch(/SigIgn:\s0{16}\n/)
      const flags = [...stdout.matchAll(/^flags:\s+0(\d+)$/gm)].map(([, octal]) => Number.parseInt(octal!, 8))
      expect(flags.map(set => set & constants.O_NONBLOCK)).toEqual([0, 0])
    },
  )

  test('a command that the system cannot execute is told as that', async ({ database }) => {
    const dir = await folder({ '1_a.sql': 'select 1;', noshebang: 'echo ran\n', lost: '#!/no/such/shell\necho ran\n' })
    const run = on(database, dir)
    await run('up')
    for (const [name, why] of [
      ['noshebang', 'ENOEXEC'],
      ['lost', 'ENOENT'],
    ] as const) {
      await chmod(join(dir, name), 0o755)
      const { code, stdout } = await run('wait', '--', join(dir, name))
      expect({ code, stdout }).toMatchObject({
        code: 2,
        stdout: expect.stringContaining(`cannot be executed (${why})`),
      })
    }
  })

  test('stops at once when it is told to', async ({ database }) => {
    const dir = await folder(threeFiles)
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const waiting = start(['wait', '--dir', dir], { env: { DATABASE_URL: database.url } })
      await eventually(() => expect(waiting.stdout).toContain('not yet'))
      waiting.kill(signal)
      const { lines, ...ended } = await waiting.ended
      expect(ended).toMatchObject({ code })
      expect(lines.at(-1)?.msg).toBe(`Interrupted by ${signal}. Run it again to finish.`)
    }
  })
})
