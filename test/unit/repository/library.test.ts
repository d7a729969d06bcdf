// The migrator as a library: its options and its functions.

import { expect, test } from 'vitest'
import { commands } from '../../../migrator/cli/commands/index.ts'
import { createMigrator, type MigratorOptions, UsageError } from '../../../migrator/index.ts'

test('a migrator that is given no database takes none of this machine for it', () => {
  for (const databaseUrl of [undefined, ''])
    expect(() => createMigrator({ databaseUrl, dir: 'migrations' })).toThrow(/databaseUrl is missing/)
})

test('all that is wrong with the settings is told at once', () => {
  const wrong = { databaseUrl: 'shop', dir: 'migrations', lockWait: 'soon', schema: 'pg_ledger' }
  expect(() => createMigrator(wrong)).toThrow(UsageError)
  for (const problem of [/schema is "pg_ledger"/, /DATABASE_URL is not/, /lockWait is not a duration/])
    expect(() => createMigrator(wrong)).toThrow(problem)
})

test('its options are those of the command line, and what is none of them is named', () => {
  const given = { databaseUrl: 'postgres://u@h/d', dir: 'migrations' }
  const wrong = {
    ...given,
    lockwait: '5s',
    logLevel: 'debug',
    onOlderApps: 'never',
    layout: 'flyaway',
  } as object as MigratorOptions
  for (const problem of [
    'Unknown option lockwait. Did you mean lockWait?',
    'Unknown option logLevel.',
    'onOlderApps is "never", but must be one of refuse, drain, ignore.',
    /layout is "flyaway", but must be one of .*\. Did you mean flyway\?$/m,
  ])
    expect(() => createMigrator(wrong)).toThrow(problem)
  expect(() => createMigrator({ ...given, lockWait: '5s', lockTimeout: 500, ignore: ['*.bak'] })).not.toThrow()
})

test('it has a function for every command that concerns a database or a folder of migrations', () => {
  const migrator = createMigrator({ databaseUrl: 'postgres://u@h/d', dir: 'migrations' })
  // doctor and init are for compose files, and gate is a process: a program has the gate's own library
  const named = commands.map(command => command.name).filter(name => !['gate', 'doctor', 'init'].includes(name))
  expect(Object.keys(migrator).toSorted()).toEqual(named.toSorted())
})
