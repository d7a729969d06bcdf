// Code migrations that end the process, break it or change it: none passes for success, or spoils what comes after it.

import { describe, expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { on } from './fixtures.ts'

describe('a code migration that takes the process with it does not pass for done', () => {
  const ended = /ended before its work was done.*process\.exit/
  const uncaught = /error that nothing caught ended the run.*\nError: late/
  test.for([
    ['process.exit(0) in up', 'export const up = () => process.exit(0)\n', ended],
    ['process.exit(0) when it is loaded', 'process.exit(0)\n', ended],
    ['process.reallyExit(0)', 'export const up = () => process.reallyExit(0)\n', ended],
    [
      'process.exit(0) without the listeners',
      'export const up = () => {\n  process.removeAllListeners()\n  process.exit(0)\n}\n',
      ended,
    ],
    [
      'process.exit() with an exit code of its own',
      "export const up = () => {\n  process.on('exit', () => { process.exitCode = 0 })\n  process.exit()\n}\n",
      ended,
    ],
    [
      'an error in a timer',
      `export const up = () => {\n  setTimeout(() => { throw new Error('late') }, 1)\n  return new Promise(done => setTimeout(done, 500))\n}\n`,
      uncaught,
    ],
    [
      'a promise that it does not wait for',
      `export const up = ({ query }) => {\n  Promise.reject(new Error('late'))\n  return query('select pg_sleep(30)')\n}\n`,
      uncaught,
    ],
  ] as const)('%s', async ([, text, message], { database }) => {
    const run = on(database, await folder({ '1_x.mjs': text }))
    const { code, stdout, stderr, lines } = await run('up')
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
    expect(stdout.trimEnd().split('\n')).toHaveLength(lines.length)
    expect(lines.find(({ level }) => level === 'error')?.msg).toMatch(message)
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', applied: 0, exitCode: 5 })
    const status = await run('status', '--format', 'json')
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'empty', applied: [] })
  })

  test.for([
    ['process.exit(0)', 'setTimeout(() => process.exit(0), 200)'],
    ['process.reallyExit(0)', 'setTimeout(() => process.reallyExit(0), 200)'],
    ['an exit code of its own', 'setTimeout(() => { process.exitCode = 0 }, 200)'],
    ['an exit code of its own at the end', "process.on('exit', () => process.exit(0))"],
  ])('%s after it has failed changes nothing of that', async ([, late], { database }) => {
    const run = on(
      database,
      await folder({ '1_x.mjs': `export const up = () => {\n  ${late}\n  throw new Error('first')\n}\n` }),
    )
    const { code, lines } = await run('up')
    expect(code).toBe(5)
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', exitCode: 5 })
  })

  test.for([['process.exit(3)', 'setTimeout(() => process.exit(3), 200)']])(
    '%s after it is done changes nothing of that',
    async ([, late], { database }) => {
      const run = on(database, await folder({ '1_x.mjs': `export const up = () => { ${late} }\n` }))
      const { code, lines } = await run('up')
      expect(code).toBe(0)
      expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'applied', exitCode: 0 })
    },
  )

  test('what was applied before it is counted', async ({ database }) => {
    const ends =
      "import { setTimeout as sleep } from 'node:timers/promises'\nexport async function up() {\n  await sleep(100)\n  process.exit(0)\n}\n"
    const run = on(database, await folder({ '1_a.sql': 'create table a ();', '2_b.sql': 'select 1;', '3_x.mjs': ends }))
    const { code, lines } = await run('up')
    expect(code).toBe(5)
    expect(lines.at(-1)).toMatchObject({
      event: 'run',
      outcome: 'failed',
      applied: 2,
      msg: 'failed: 2 applied (exit code 5)',
    })
  })

  test.for(['await new Promise(() => {})\n', 'setInterval(() => {}, 1000)\nawait new Promise(() => {})\n'])(
    'a signal ends one that hangs while it is loaded: %j',
    async (text, { database }) => {
      const dir = await folder({ '1_x.mjs': `process.stderr.write('loading')\n${text}` })
      const cli = start(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
      await eventually(async () => expect(cli.stderr).toBe('loading'))
      cli.kill('SIGTERM')
      const { code, lines } = await cli.ended
      expect(code).toBe(143)
      expect(lines.at(-2)?.msg).toContain('SIGTERM; what was not committed was rolled back. Run it again')
      expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'interrupted', exitCode: 143 })
    },
  )
})

test.for(['', "process.chdir('/')\n"])(
  'what it changes of the process holds for itself alone: %j',
  async (atLoad, { database }) => {
    const changes =
      'const names = Object.keys(process.env).filter(name => /^(PG|DATABASE_URL|SCHEMAGATE)/.test(name))\n' +
      "export function up() {\n  process.chdir('/')\n  for (const name of names) process.env[name] = 'other'\n}\n"
    const project = await folder({
      'm/1_x.mjs': atLoad + changes,
      'm/2_b.mjs': "export const up = ({ query }) => query('create table b ()')\n",
      'm/3_c.sql': 'create table c ();',
    })
    const env = { DATABASE_URL: database.url }
    const { code, stdout } = await schemagate(['up', '--dir', 'm'], { cwd: project, env })
    expect(code, stdout).toBe(0)
    expect(
      (await database.query("select to_regclass('b') is not null and to_regclass('c') is not null as made")).rows,
    ).toEqual([{ made: true }])
  },
)
