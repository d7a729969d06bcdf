import { expect, test } from 'vitest'
import { createMigrator, UsageError } from '../../../migrator/index.ts'

test('a migrator that is given no database takes none of this machine for it', () => {
  for (const databaseUrl of [undefined, ''])
    expect(() => createMigrator({ databaseUrl, dir: 'migrations' })).toThrow(/databaseUrl is missing/)
})

test('all that is wrong with the settings is told at once', () => {
  const wrong = { databaseUrl: 'shop', dir: 'migrations', lockWait: 'soon', schema: 'pg_ledger' }
  expect(() => createMigrator(wrong)).toThrow(UsageError)
  expect(() => createMigrator(wrong)).toThrow(/schema[\s\S]*DATABASE_URL is not[\s\S]*lockWait/)
})
