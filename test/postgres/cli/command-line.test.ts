// The command line itself: help, mistakes, and which output goes where.

import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { files, on, relations } from './fixtures.ts'

describe('the command line itself', () => {
  test('every command has help, which names its options and variables', async () => {
    const general = await schemagate(['--help'])
    expect(general).toMatchObject({ code: 0, stderr: '' })
    const verbs = ['up', 'down', 'status', 'check', 'wait', 'plan', 'create', 'baseline', 'repair', 'manifest']
    for (const verb of verbs) {
      expect(general.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'))
      const { code, stdout, stderr } = await schemagate([verb, '--help'])
      expect({ verb, code, stderr }).toEqual({ verb, code: 0, stderr: '' })
      expect(stdout).toMatch(new RegExp(`^schemagate ${verb}: `))
      expect(stdout).toContain(`Usage: schemagate ${verb}`)
      expect(stdout).toContain('variable SCHEMAGATE_DIR')
    }
    expect((await schemagate(['up', '--help'])).stdout).toContain('--lock-timeout TIME')
  })

  test.for([
    [[], 2, 'Usage: schemagate'],
    [['upp'], 2, 'Did you mean up?'],
    [['help', 'down'], 0, 'Usage: schemagate down'],
    [['help', 'upp'], 2, 'Did you mean up?'],
    [['rollback'], 2, 'reserved for a later version'],
    [['backup', 'now'], 2, 'reserved for a later version'],
    [['--version'], 0, ''],
    [['--dir=x', 'up'], 2, 'The command comes first'],
  ] as const)('%j', async ([args, code, message]) => {
    const result = await schemagate(args)
    expect(result.code).toBe(code)
    expect(result.stdout + result.stderr).toContain(message)
  })

  test('what stands in the place of a command, and is an option, does not show its value', async () => {
    const { code, stderr } = await schemagate(['--token=hunter22', 'up'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/--token\W+ is no command/)
    expect(stderr).not.toContain('hunter22')
  })

  test('a run that does not begin ends with its line all the same, and every problem in one message', async () => {
    const { code, lines } = await schemagate(['up', '--dri', 'x'], { env: { SCHEMAGATE_LOCKWAIT: '1s' } })
    expect(code).toBe(2)
    const error = lines.find(({ level }) => level === 'error')
    for (const part of ['Did you mean --dir?', 'Did you mean SCHEMAGATE_LOCK_WAIT?', 'No database is configured.'])
      expect(error?.msg).toContain(part)
    expect(lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', applied: 0, exitCode: 2 })
  })

  test('a run that fails before it knows the head says nothing of it', async ({ database }) => {
    const { lines } = await on(database, '/nowhere')('up')
    expect(lines.at(-1)?.msg).toMatch(/^failed: 0 applied \(.*exit code 2\)$/)
  })

  test.for([
    ['an empty folder', {}, /No migrations in/],
    ['a stray SQL file', { '1_a.sql': '', 'x.sql': '' }, /x\.sql is not a migration of any known layout/],
    ['the same name twice', { '1_a.sql': '', '1_a.up.sql': '' }, /Two migrations are named 1_a/],
  ] as const)('%s ends with 2', async ([, given, message], { database }) => {
    const run = on(database, await folder(given))
    for (const verb of ['up', 'status', 'check', 'plan']) {
      const { code, lines } = await run(verb)
      expect([verb, code]).toEqual([verb, 2])
      expect(lines.find(({ level }) => level === 'error')?.msg).toMatch(message)
    }
    expect(await relations(database)).toEqual([])
  })

  test('results go to stdout and logs to stderr, but for up, down and wait, whose logs are their output', async ({
    database,
  }) => {
    const run = on(database, await folder(files))
    const silent = { stderr: '' }
    expect(await run('up')).toMatchObject(silent)
    expect(await run('down')).toMatchObject(silent)
    expect(await run('wait', '--timeout', '100ms')).toMatchObject(silent)
    for (const verb of ['status', 'check', 'plan', 'manifest']) {
      const { stdout, stderr, lines } = await run(verb)
      expect({ verb, stderr }).toEqual({ verb, stderr: '' })
      expect(stdout).not.toBe('')
      expect(lines.filter(line => 'level' in line)).toEqual([])
    }
    for (const args of [
      ['check', '--manifest', '/nowhere'],
      ['repair'],
      ['baseline', 'none'],
      ['status', '--nonsense'],
    ]) {
      const { stdout, lines } = await run(...args)
      expect({ args, stdout }).toEqual({ args, stdout: '' })
      expect(lines).toHaveLength(1)
    }
  })
})
