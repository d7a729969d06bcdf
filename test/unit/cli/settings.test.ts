// Flags and environment: what is read, and every problem in one message.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Env, readCommandLine } from '../../../migrator/cli/command-line.ts'
import { commands, variables } from '../../../migrator/cli/commands/index.ts'
import type { Syntax } from '../../../migrator/cli/syntax.ts'
import { UsageError } from '../../../migrator/errors.ts'
import type { Option } from '../../../migrator/settings/option.ts'
import { options } from '../../../migrator/settings/options.ts'
import { folder } from '../../helpers/migrations.ts'

const command = (name: string) => commands.find(c => c.name === name)!
const readLine = (args: string[], env: Env) => readCommandLine(command('up'), args, env, variables)
const parse = (syntax: Syntax, args: string[], env: Env) => readCommandLine(syntax, args, env, variables).parsed()
const url = 'postgres://u:hunter22@h/d'
const read = (args: string[], env: Record<string, string> = { DATABASE_URL: url }, name = 'up') =>
  parse(command(name), args, env)

function problems(args: string[], env: Record<string, string> = { DATABASE_URL: url }, name = 'up'): string {
  try {
    read(args, env, name)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  throw new Error('nothing was wrong')
}

test('the defaults are those that are documented', () => {
  expect(read([]).settings).toMatchObject({
    ...{ dir: 'migrator/migrations', schema: 'schemagate', connectTimeout: 60_000, lockWait: 300_000 },
    ...{ lockTimeout: 2_000, lockRetries: 20, statementTimeout: 0, appRole: undefined },
  })
})

test('a flag wins over its variable, and an empty variable is none', () => {
  const env = { DATABASE_URL: url, SCHEMAGATE_DIR: 'env', SCHEMAGATE_LOCK_WAIT: '1m', SCHEMAGATE_SCHEMA: '' }
  expect(read(['--dir', 'flag'], env).settings).toMatchObject({ dir: 'flag', lockWait: 60_000, schema: 'schemagate' })
  expect(read(['--dir=flag=x', '--lock-timeout=500'], env).settings).toMatchObject({ dir: 'flag=x', lockTimeout: 500 })
  expect(read(['--database-url', 'postgres://f@g/e'], env).settings.target).toMatchObject({ user: 'f', database: 'e' })
})

test('what may be the value of an unknown option is not shown', () => {
  for (const args of [['--app-password', 'hunter22'], ['-phunter22'], ['-W=hunter22'], ['-p', 'hunter22']]) {
    const said = problems(args)
    expect(said).toMatch(/^Unknown option -[^\n]*\n/)
    expect(said).not.toMatch(/hunter22|Unexpected/)
  }
  expect(problems(['--app-password', 'hunter22', 'more'])).toContain('Unexpected argument "more".')
})

test('every option has a flag and a variable', () => {
  const listed = Object.values<Option>(options).map(({ flag, variable }) => [flag, variable])
  expect(listed).toEqual(
    expect.arrayContaining([
      ['database-url', 'DATABASE_URL'],
      ['dir', 'SCHEMAGATE_DIR'],
      ['schema', 'SCHEMAGATE_SCHEMA'],
      ['connect-timeout', 'SCHEMAGATE_CONNECT_TIMEOUT'],
      ['lock-wait', 'SCHEMAGATE_LOCK_WAIT'],
      ['lock-timeout', 'SCHEMAGATE_LOCK_TIMEOUT'],
      ['lock-retries', 'SCHEMAGATE_LOCK_RETRIES'],
      ['statement-timeout', 'SCHEMAGATE_STATEMENT_TIMEOUT'],
      ['app-role', 'SCHEMAGATE_APP_ROLE'],
      ['log-level', 'LOG_LEVEL'],
      ['log-format', 'LOG_FORMAT'],
    ]),
  )
})

test('all problems are in one message, one a line, and it ends with where help is', () => {
  const message = problems(['--lock-retry', '3', '--lock-wait', 'soon', 'stray'], {
    DATABASE_URL: 'nonsense:hunter22',
    SCHEMAGATE_DRI: 'x',
    SCHEMAGATE_LOCK_RETRIES: 'many',
    SCHEMAGATE_APP_PASSWORD_FILE: '/nowhere/secret',
    LOG_LEVEL: 'loud',
    LOG_FORMAT: 'xml',
    PGPASSWORD: 'hunter22',
    PGPASSWORD_FILE: '/nowhere',
  })
  const lines = message.split('\n')
  for (const part of [
    ...['Unknown option --lock-retry. Did you mean --lock-retries?', 'Unexpected argument'],
    'Unknown variable SCHEMAGATE_DRI. Did you mean SCHEMAGATE_DIR?',
    '--lock-wait is not a duration: "soon". Write 500ms, 30s, 5m, 1h or a number of milliseconds, 24 days at most.',
    'SCHEMAGATE_LOCK_RETRIES is not a whole number: "many".',
    'LOG_LEVEL is "loud", but must be one of trace, debug, info, warn, error, fatal, silent.',
    'LOG_FORMAT is "xml", but must be one of pretty, json.',
    'SCHEMAGATE_APP_PASSWORD_FILE: /nowhere/secret does not exist. Is the secret mounted?',
    'PGPASSWORD and PGPASSWORD_FILE are both set. Unset one of them.',
    'DATABASE_URL is not a connection string.',
  ])
    expect(
      lines.filter(line => line.startsWith('- ') && line.includes(part)),
      part,
    ).toHaveLength(1)
  expect(lines.at(-1)).toBe('See: schemagate up --help')
  expect(message).not.toContain('hunter22')
})

test.for([
  [['--nonsense'], 'Unknown option --nonsense.'],
  [['-x'], 'Unknown option -x.'],
  [['--dir'], '--dir needs a value.'],
  [['--to', '--allow-ahead'], '--to needs a value.'],
  [['--dir='], '--dir is empty.'],
  [['--allow-ahead=yes'], '--allow-ahead takes no value.'],
  [['--lock-retries', '-1'], '--lock-retries is not a whole number: "-1".'],
  [['--lock-retries=1.5'], '--lock-retries is not a whole number: "1.5".'],
  [['--lock-timeout=99999h'], '--lock-timeout is not a duration'],
  [['one', 'two'], 'Unexpected argument "one" "two".'],
  [['--', 'sh'], 'Unexpected argument "sh".'],
  [['--app-schemas', 'shop'], '--app-schemas has no effect without --app-role.'],
  [['--schema', 'pg_mine'], 'does not start with pg_'],
  [['--schema', 'é'.repeat(32)], 'a name of 1 to 63 bytes'],
  [['--yes'], 'Unknown option --yes.'],
  [['--to', '1_a', '--to=3_c'], '--to is given more than once. Give it once.'],
  [['--dir', 'a', '--dir', 'a'], '--dir is given more than once. Give it once.'],
  [['--allow-ahead', '--allow-ahead'], '--allow-ahead is given more than once. Give it once.'],
] as const)('%j is refused', ([args, message]) => {
  expect(problems([...args])).toContain(message)
})

test('wait says where its command goes', () => {
  const message = problems(['sh', '-c', 'true'], undefined, 'wait')
  expect(message).toContain('Unexpected argument "sh". A command goes behind `--`.')
})

test('what follows -- is an argument, also where it looks like an option', () => {
  expect(read(['--', '-x'], {}, 'create').positionals).toEqual(['-x'])
  expect(read(['--verify', '--', '--x'], { DATABASE_URL: url }, 'baseline').positionals).toEqual(['--x'])
})

test.for([
  ['status', ['--history', 'public.x'], '--history has no effect without --follow.'],
  ['manifest', ['--history', 'public.x'], '--history has no effect without --follow.'],
  ['check', ['--history', 'public.x'], '--history has no effect without --follow or --manifest.'],
  ['verify', ['--snapshot', '--expect', 'a'], '--expect has no effect with --snapshot.'],
  ['verify', ['--snapshot', '--ignore', 'a'], '--ignore has no effect with --snapshot.'],
  ['adopt', ['--scratch-url', url], '--scratch-url has no effect without --verify.'],
  ['baseline', ['1_a', '--scratch-url', url], '--scratch-url has no effect without --verify.'],
  ['doctor', ['--fix', '--try'], '--fix has no effect with --try.'],
  ['doctor', ['--dir', 'a'], 'Unknown option --dir.'],
  ['init', ['--dir', 'a'], 'Unknown option --dir.'],
  ['init', ['--command', 'a', '--migrations', 'b'], '--migrations has no effect with --command.'],
  ['init', ['--migrations', 'b', '--app', 'c'], '--app has no effect with --migrations.'],
  ['create', ['a', '--schema', 'b'], 'Unknown option --schema.'],
] as const)('%s %j is refused: it would have no effect', ([name, args, message]) => {
  expect(problems([...args], { DATABASE_URL: url }, name)).toContain(message)
})

test('a flag that asks for what is so anyway is taken', () => {
  expect(read(['--snapshot', '--format', 'json'], { DATABASE_URL: url }, 'verify').options.snapshot).toBe(true)
  expect(read(['--expect', 'a', '--scratch-url', url], { DATABASE_URL: url }, 'verify').options.expect).toBe('a')
})

test('a variable counts for what a flag goes with, and is no mistake where it has no effect itself', () => {
  const env = { DATABASE_URL: url, SCHEMAGATE_HISTORY: 'public.x', SCHEMAGATE_DIR: 'a' }
  expect(read([], env, 'status').settings).toMatchObject({ history: 'public.x', dir: 'a' })
  expect(read(['--manifest', 'a.json'], env, 'check').options).toEqual({ manifest: 'a.json' })
  expect(read(['--history', 'y'], { DATABASE_URL: url, SCHEMAGATE_FOLLOW: 'goose' }, 'status').settings).toMatchObject({
    history: 'y',
  })
})

test('what an option goes with, or does not, are flags that some command has', () => {
  const tables = [options, ...commands.map(command => command.options)]
  const all = tables.flatMap(table => Object.values<Option>(table))
  const flags = new Set(all.map(({ flag }) => flag))
  for (const other of all.flatMap(({ onlyWith = [], notWith = [] }) => [...onlyWith, ...notWith]))
    expect(flags).toContain(other)
})

test('a flag given more than once is told once, with no value of it, and every one of them is kept out of logs', () => {
  const urls = ['postgres://u:hunter22@h/d', 'postgres://u:hunter23@h/d', 'postgres://u:hunter24@h/d']
  const args = urls.flatMap(text => ['--database-url', text])
  expect(problems(args)).toBe('--database-url is given more than once. Give it once.\nSee: schemagate up --help')
  expect(readLine(args, {}).secrets).toEqual(expect.arrayContaining(['hunter22', 'hunter23', 'hunter24']))
})

test('a list is a repeated flag, or a variable with commas; a flag wins', () => {
  const syntax = {
    ...command('up'),
    options: { list: { flag: 'list', variable: 'LIST', kind: 'list', help: '' } },
  } as const
  const list = (args: string[], env: Record<string, string> = {}) =>
    parse(syntax, args, { DATABASE_URL: url, ...env }).options.list
  expect(list([])).toEqual([])
  expect(list(['--list', '*.{a,b}', '--list=c'])).toEqual(['*.{a,b}', 'c'])
  expect(list([], { LIST: ' a, b c,,d ' })).toEqual(['a', 'b c', 'd'])
  expect(list([], { LIST: '' })).toEqual([])
  expect(list(['--list', 'a'], { LIST: 'b' })).toEqual(['a'])
  expect(() => list(['--list', 'a', '--list='])).toThrow('--list is empty.')
  expect(() => list(['--list'])).toThrow('--list needs a value.')
})

test('a name that is missing is asked for by its word', () => {
  expect(problems([], { DATABASE_URL: url }, 'baseline')).toContain('NAME is missing.')
  expect(problems([], {}, 'create')).toContain('NAME is missing.')
})

test('a database must be named, in one of the ways', () => {
  expect(problems([], {})).toContain('No database is configured. Set DATABASE_URL (postgres://')
  expect(problems(['--database-url', 'shop'], { DATABASE_URL: url })).toContain('--database-url is not a connection')
  expect(read([], { PGHOST: 'h' }).settings.target.endpoints).toEqual([{ host: 'h', port: 5432 }])
  expect(read([], {}, 'manifest').settings.dir).toBe('migrator/migrations')
})

test('in a checkout, the database of the stack that runs is taken where none is configured', async () => {
  const connection = { PGHOST: 'h', PGPORT: '6', PGDATABASE: 'd', PGUSER: 'u', PGPASSWORD: 'hunter22' }
  const dir = await folder({ 'up.mjs': `console.log('${JSON.stringify(connection)}')`, 'none.mjs': '' })
  const stack = (script: string) => ({ SCHEMAGATE_RUNNING_STACK: join(dir, script) })
  const line = readLine([], stack('up.mjs'))
  const { target } = line.parsed().settings
  expect(target).toMatchObject({ endpoints: [{ host: 'h', port: 6 }], database: 'd', user: 'u' })
  expect(target.password).toBe('hunter22')
  expect(target.notes).toEqual([expect.stringContaining('npm run up')])
  expect(line.secrets).toContain('hunter22')
  expect(problems([], stack('none.mjs'))).toContain('No database is configured.')
  expect(read([], { ...stack('up.mjs'), DATABASE_URL: url }).settings.target).toMatchObject({ notes: [] })
  expect(problems([], { ...stack('up.mjs'), DATABASE_URL: 'shop' })).toContain('DATABASE_URL is not')
})

describe('a secret in a file', () => {
  test('is read without the newlines at its end, and nothing more is taken from it', async () => {
    const dir = await folder({
      a: ' hunter22 \n',
      b: 'hunter22\r\n',
      c: 'hunter22\n\n',
      d: 'hunter22',
      e: '\nhunter\n22\r\n\n\r\n',
      url: `${url}\n`,
    })
    const password = (name: string) =>
      read([], { PGHOST: 'h', PGPASSWORD_FILE: join(dir, name) }).settings.target.password
    expect(['a', 'b', 'c', 'd', 'e'].map(password)).toEqual([
      ...[' hunter22 ', 'hunter22', 'hunter22', 'hunter22', '\nhunter\n22'],
    ])
    expect(read([], { DATABASE_URL_FILE: join(dir, 'url') }).settings.target).toMatchObject({
      user: 'u',
      database: 'd',
    })
    const app = read([], {
      DATABASE_URL: url,
      SCHEMAGATE_APP_ROLE: 'app',
      SCHEMAGATE_APP_PASSWORD_FILE: join(dir, 'd'),
    })
    expect(app.settings.appRole).toMatchObject({ name: 'app' })
    expect(app.settings.appRole?.password).toBe('hunter22')
    expect(inspect(app, { depth: 9 })).not.toContain('hunter22')
    expect(JSON.stringify(app)).not.toContain('hunter22')
  })

  test('that cannot be had is named with the reason, and only once', async () => {
    const dir = await folder({ empty: '', newline: '\n', nul: 'a\0b' })
    await mkdir(join(dir, 'folder'))
    for (const [name, reason] of [
      ['missing', 'does not exist. Is the secret mounted?'],
      ['folder', 'is a folder. Docker makes one where the mounted file is missing on the host.'],
      ['empty', 'is empty.'],
      ['newline', 'is empty.'],
      ['nul', 'has a NUL byte.'],
    ] as const)
      for (const variable of ['DATABASE_URL', 'PGPASSWORD', 'SCHEMAGATE_APP_PASSWORD']) {
        const env = variable === 'DATABASE_URL' ? {} : { PGHOST: 'h' }
        const message = problems([], { ...env, [`${variable}_FILE`]: join(dir, name) })
        expect(message).toBe(`${variable}_FILE: ${join(dir, name)} ${reason}\nSee: schemagate up --help`)
      }
  })

  test('and in a variable at once is one too many', async () => {
    const dir = await folder({ a: 'x' })
    expect(problems([], { DATABASE_URL: url, DATABASE_URL_FILE: join(dir, 'a') })).toContain(
      'DATABASE_URL and DATABASE_URL_FILE are both set.',
    )
  })
})

test('how to log is known even where the settings are wrong, and every secret with it', async () => {
  const dir = await folder({})
  await writeFile(join(dir, 'pw'), 'app-secret\n')
  const env = {
    DATABASE_URL: 'postgres://u:url-secret@h/d',
    SCHEMAGATE_APP_PASSWORD_FILE: join(dir, 'pw'),
    PGPASSWORD: 'pg-secret',
    LOG_LEVEL: 'loud',
  }
  expect(readLine(['--log-format', 'json', '--nonsense'], env)).toMatchObject({
    log: { level: 'info', format: 'json' },
    secrets: expect.arrayContaining(['url-secret', 'app-secret', 'pg-secret']),
  })
  // also where the address has another problem
  expect(readLine([], { DATABASE_URL: 'postgres://u:url-secret@h:99999/d?sslmode=x' }).secrets).toContain('url-secret')
})

test('any command line is taken or refused in words', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '--',
      '-',
      '--dir',
      '--to',
      '--yes',
      '--lock-wait',
      '5s',
      '--format=json',
      '--=',
      '-h',
      '--no-dir',
      '---',
      '--dir=x',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.constantFrom(...commands), (args, of) => {
      const line = readCommandLine(of, args, { DATABASE_URL: url }, variables)
      try {
        line.parsed()
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError)
      }
    }),
    { numRuns: 500 },
  )
})
