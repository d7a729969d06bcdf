// Which schemas SQL files name.

import { expect, test } from 'vitest'
import { namedSchemas } from '../../../migrator/files/named-schemas.ts'
import { read } from '../../helpers/tool-folders.ts'

test.for([
  ['create schema app;', ['app']],
  ['CREATE SCHEMA IF NOT EXISTS App;', ['app']],
  ['create schema "My ""own"" App";', ['My "own" App']],
  ['create table audit.log (); select a.id from "Users" . people a', ['Users', 'a', 'audit']],
  ['create table tables (); select 1.5', []],
] as const)('%s', async ([text, names]) => {
  const { migrations } = await read({ '1_a.sql': text })
  expect([...namedSchemas(migrations)].sort()).toEqual(names)
})

test('a text that is all quotes takes no longer than others', async () => {
  const { migrations } = await read({ '1_a.sql': `select '${'"'.repeat(1 << 19)}'` })
  expect(namedSchemas(migrations)).toEqual(new Set())
})
